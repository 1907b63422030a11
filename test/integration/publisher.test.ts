import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SqsServer, sqsClient, startSqs } from '../../infra/local/queues/sqs-server.ts';
import {
  type ConsentChange,
  ConsentEventNotAcknowledged,
  createConsentPublisher,
} from '../../shared/publisher/index.ts';
import { parseConsentEvent } from '../../shared/publisher/messages.ts';

const credentials = { region: 'eu-central-1', accessKeyId: 'local', secretAccessKey: 'local' };
const change: ConsentChange = {
  type: 'consent.granted',
  organizationId: '2b6f1c1e-0000-4000-8000-000000000001',
  patientId: '8a3f1c1e-0000-4000-8000-000000000002',
  consentId: '5d2f1c1e-0000-4000-8000-000000000003',
  eventId: 'grant-1',
  occurredAt: '2026-11-22T10:00:00Z',
};

const directory = mkdtempSync(join(tmpdir(), 'publisher-'));
let server: SqsServer;
let client: SQSClient;
let queueUrl: string;

beforeAll(async () => {
  server = await startSqs(directory);
  client = sqsClient(server.endpoint, credentials);
  await client.send(new CreateQueueCommand({ QueueName: 'consent-events' }));
  queueUrl = `${server.endpoint}/000000000000/consent-events`;
});
afterAll(async () => {
  client?.destroy();
  await server?.close();
  rmSync(directory, { recursive: true, force: true });
});

test('what is published is on the queue, and the consumer understands it', async () => {
  await createConsentPublisher({ queueUrl, client }).publish(change);
  const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
  expect(Messages.map(({ Body = '' }) => parseConsentEvent(Body))).toEqual([
    { ok: true, event: { ...change, version: 1 } },
  ]);
  for (const { ReceiptHandle } of Messages) {
    await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
  }
});

test('a queue that is not there is a rejection that names the reason', async () => {
  const publisher = createConsentPublisher({ queueUrl: `${queueUrl}-of-nobody`, client });
  const failure = publisher.publish(change);
  await expect(failure).rejects.toThrow(ConsentEventNotAcknowledged);
  await expect(failure).rejects.toMatchObject({ reason: 'QueueDoesNotExist', eventId: 'grant-1' });
});
