import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CommandError } from '../../command-line/command-error.ts';

/** As `infra/secrets-stack.ts` names it. */
const SECRET_ID = 'consenthub-dynamics/audit-key';

/** @throws CommandError if it has no value; and as the client does */
export async function readAuditKey(client: SecretsManagerClient): Promise<string> {
  const { SecretString: key } = await client.send(
    new GetSecretValueCommand({ SecretId: SECRET_ID }),
  );
  if (key === undefined || key === '') {
    throw new CommandError(`The secret ${SECRET_ID} has no value.`);
  }
  return key;
}
