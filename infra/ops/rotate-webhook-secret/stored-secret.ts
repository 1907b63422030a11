import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { readSecretValue } from '../secret-value.ts';
import type { StoredSecret } from './rotate.ts';

/** As `infra/secrets-stack.ts` names it. */
const SECRET_ID = 'consenthub-dynamics/webhook-secret';
const PREVIOUS = 'AWSPREVIOUS';

/** @throws CommandError if nobody has given it a value; and as the client does */
export async function readStoredSecret(client: SecretsManagerClient): Promise<StoredSecret> {
  const { value, createdAt } = await readSecretValue(client, SECRET_ID);
  return { value, createdAt, hasPrevious: (await previousVersion(client)) !== undefined };
}

/** The value that was current becomes the previous one. Throws as the client does. */
export async function storeSecret(client: SecretsManagerClient, value: string): Promise<void> {
  await client.send(new PutSecretValueCommand({ SecretId: SECRET_ID, SecretString: value }));
}

/** Has the previous value taken no longer. False if there is none. Throws as the client does. */
export async function retirePrevious(client: SecretsManagerClient): Promise<boolean> {
  const version = await previousVersion(client);
  if (version === undefined) return false;
  await client.send(
    new UpdateSecretVersionStageCommand({
      SecretId: SECRET_ID,
      VersionStage: PREVIOUS,
      RemoveFromVersionId: version,
    }),
  );
  return true;
}

async function previousVersion(client: SecretsManagerClient): Promise<string | undefined> {
  const { VersionIdsToStages: versions = {} } = await client.send(
    new DescribeSecretCommand({ SecretId: SECRET_ID }),
  );
  return Object.entries(versions).find(([, stages]) => stages.includes(PREVIOUS))?.[0];
}
