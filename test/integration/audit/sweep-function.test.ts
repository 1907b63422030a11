import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { handler } from '../../../functions/sweep/handler.ts';
import { createQueues, sqsClient, startSqs } from '../../../infra/local/queues/sqs-server.ts';
import { startSecretsManagerSimulator } from '../../simulators/secrets-manager/index.ts';
import { startTrail } from './fixture.ts';

const REGION = 'eu-central-1';
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
const QUEUES = ['contact-events', 'consent-events'];
const context = { getRemainingTimeInMillis: () => 55_000 } as Context;

let trail: Awaited<ReturnType<typeof startTrail>>;
let store: (name: string, value: string) => Promise<void>;
let stop: () => Promise<void>;
/** Codes and metrics of what the function has written since it was called. */
let sweep: () => Promise<string>;

beforeAll(async () => {
  trail = await startTrail();
  const secretsManager = await startSecretsManagerSimulator({ region: REGION });
  const directory = mkdtempSync(join(tmpdir(), 'consenthub-sweep-queues-'));
  const sqs = await startSqs(directory);
  const client = sqsClient(sqs.endpoint, { region: REGION, ...CREDENTIALS });
  const urlOf = (name: string) => `${sqs.endpoint}/000000000000/${name}`;
  await createQueues(
    client,
    QUEUES.map((name) => ({ name, url: urlOf(name), attributes: {} })),
  );
  const secrets = new SecretsManagerClient({
    endpoint: secretsManager.url,
    region: REGION,
    credentials: CREDENTIALS,
  });
  store = async (name, value) => {
    await secrets.send(new CreateSecretCommand({ Name: name, SecretString: value }));
  };
  for (const [name, value] of Object.entries({
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
    AWS_ENDPOINT_URL_SQS: sqs.endpoint,
    CONTACT_QUEUE_URL: urlOf('contact-events'),
    CONSENT_QUEUE_URL: urlOf('consent-events'),
    DATABASE_URL_SECRET_ARN: 'database-url',
    AUDIT_KEY_SECRET_ARN: 'audit-key',
    NEON_ENDPOINT: trail.database.neonEndpoint,
  })) {
    vi.stubEnv(name, value);
  }
  await store('database-url', trail.database.url);

  let written = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      written += String(text);
      return true;
    });
  }
  sweep = async () => {
    written = '';
    await handler({}, context);
    return written;
  };
  stop = async () => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    secrets.destroy();
    client.destroy();
    await sqs.close();
    rmSync(directory, { recursive: true });
    await secretsManager.close();
    await trail.close();
  };
});
afterAll(() => stop());

test('the clock goes on without the audit key, and rows are sealed as soon as it is there', async () => {
  await trail.add(3);
  const without = await sweep();
  expect(without).toContain('"DueRung"');
  expect(without).toContain('"code":"AU-002"');
  expect(without).toContain('"errorName":"SecretUnset"');
  expect(without).not.toContain('"AuditRowsSealed"');

  await store('audit-key', 'a key of this test');
  const withKey = await sweep();
  expect(withKey).toContain('"DueRung"');
  expect(withKey).toContain('"AuditRowsSealed":3');
  expect(await trail.verify()).toMatchObject({ seals: 3, waiting: 0, findings: [] });
});
