import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CommandError } from '../command-line/command-error.ts';

/** @throws CommandError if nobody has given it a value; and as the client does */
export async function readSecretValue(
  client: SecretsManagerClient,
  secretId: string,
): Promise<{ readonly value: string; readonly createdAt: Date; readonly versionId: string }> {
  const {
    SecretString: value,
    CreatedDate: createdAt,
    VersionId: versionId = '',
  } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
  if (value === undefined || value === '' || createdAt === undefined) {
    throw new CommandError(`The secret ${secretId} has no value.`);
  }
  return { value, createdAt, versionId };
}
