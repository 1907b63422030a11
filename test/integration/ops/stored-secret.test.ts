import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  readStoredSecret,
  retirePrevious,
  storeSecret,
} from '../../../infra/ops/rotate-webhook-secret/stored-secret.ts';
import { startSecretsManagerSimulator } from '../../simulators/secrets-manager/index.ts';

let simulator: Awaited<ReturnType<typeof startSecretsManagerSimulator>>;
let client: SecretsManagerClient;

beforeEach(async () => {
  simulator = await startSecretsManagerSimulator();
  client = new SecretsManagerClient({
    endpoint: simulator.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await client.send(
    new CreateSecretCommand({ Name: 'consenthub-dynamics/webhook-secret', SecretString: 'first' }),
  );
});
afterEach(async () => {
  client.destroy();
  await simulator.close();
});

test('of two who have read the same, one can store a new value, and the old one stays the previous', async () => {
  const [one, two] = [await readStoredSecret(client), await readStoredSecret(client)];
  expect(one).toMatchObject({ value: 'first', hasPrevious: false });
  await storeSecret(client, 'second', one.generation);
  await expect(storeSecret(client, 'third', two.generation)).rejects.toThrow(
    /^Somebody else has just stored another secret/,
  );
  const now = await readStoredSecret(client);
  expect(now).toMatchObject({ value: 'second', hasPrevious: true });

  await storeSecret(client, 'third', now.generation);
  expect(await retirePrevious(client)).toBe(true);
  // No version has a label that it had not before, but the old one has none any more.
  const retired = await readStoredSecret(client);
  expect(retired).toMatchObject({ value: 'third', hasPrevious: false });
  await storeSecret(client, 'fourth', retired.generation);
  expect(await readStoredSecret(client)).toMatchObject({ value: 'fourth', hasPrevious: true });
});
