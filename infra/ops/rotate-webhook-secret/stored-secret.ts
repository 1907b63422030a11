import { createHash } from 'node:crypto';
import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { CommandError } from '../../command-line/command-error.ts';
import { readSecretValue } from '../secret-value.ts';
import type { StoredSecret } from './rotate.ts';

/** As `infra/secrets-stack.ts` names it. */
const SECRET_ID = 'consenthub-dynamics/webhook-secret';
const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';

const ANOTHER =
  'Somebody else has just stored another secret: this run has changed nothing. When theirs is over, see with npm run ops -- status whether all is well.';

/** @throws CommandError if nobody has given it a value, or somebody does just now; and as the client does */
export async function readStoredSecret(client: SecretsManagerClient): Promise<StoredSecret> {
  const versions = await readVersions(client);
  const { value, createdAt, versionId } = await readSecretValue(client, SECRET_ID);
  // Else the generation would be that of another value.
  if (versions.get(versionId)?.includes(CURRENT) !== true) throw new CommandError(ANOTHER);
  return {
    value,
    createdAt,
    hasPrevious: previousOf(versions) !== undefined,
    generation: generationOf(versions),
  };
}

/**
 * The value that was current becomes the previous one. Throws as the client does.
 *
 * @param generation what was read before: the id of the new version comes of it, and Secrets Manager gives
 * an id to one value only
 * @throws CommandError if somebody else has stored another value since
 */
export async function storeSecret(
  client: SecretsManagerClient,
  value: string,
  generation: string,
): Promise<void> {
  const request = { SecretId: SECRET_ID, SecretString: value, ClientRequestToken: generation };
  await client.send(new PutSecretValueCommand(request)).catch((error: unknown) => {
    if (!(error instanceof ResourceExistsException)) throw error;
    throw new CommandError(ANOTHER);
  });
}

/** Has the previous value taken no longer. False if there is none. Throws as the client does. */
export async function retirePrevious(client: SecretsManagerClient): Promise<boolean> {
  const version = previousOf(await readVersions(client));
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

type Versions = ReadonlyMap<string, readonly string[]>;

/** Staging labels of the versions that have some, by version id. */
async function readVersions(client: SecretsManagerClient): Promise<Versions> {
  const { VersionIdsToStages: versions = {} } = await client.send(
    new DescribeSecretCommand({ SecretId: SECRET_ID }),
  );
  return new Map(Object.entries(versions));
}

const previousOf = (versions: Versions): string | undefined =>
  [...versions].find(([, stages]) => stages.includes(PREVIOUS))?.[0];

/** 64 characters, which is the most that the id of a version may have. */
const generationOf = (versions: Versions): string =>
  createHash('sha256')
    .update(JSON.stringify([...versions].map(([id, stages]) => [id, stages.toSorted()]).toSorted()))
    .digest('hex');
