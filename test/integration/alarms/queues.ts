import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PurgeQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { createQueues, sqsClient, startSqs } from '../../../infra/local/queues/sqs-server.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { type ConsumerDependencies, createConsumer } from '../../../shared/queue/consume.ts';
import { createQueue } from '../../../shared/queue/queue.ts';
import type { PoisonReason } from '../../../shared/queue/settlement.ts';
import { recordLog } from '../../support/observability.ts';
import { handleConsents } from './consents.ts';
import { handleContacts } from './contacts.ts';

/** Each of them, as the compiler sees to. */
const POISON_REASONS = Object.keys({
  malformed: 0,
  unknown_version: 0,
  unknown_type: 0,
  unknown_organization: 0,
  unknown_patient: 0,
  unknown_consent: 0,
  foreign_patient: 0,
  foreign_consent: 0,
  rejected_by_database: 0,
} satisfies Record<PoisonReason, 0>) as PoisonReason[];

export type QueueName = 'contact-events' | 'consent-events';
const NAMES = ['contact-events', 'consent-events'].flatMap((name) => [name, `${name}-dead-letter`]);

/** The queues of the template in the local SQS, and messages that go wrong. */
export async function startQueues() {
  const directory = mkdtempSync(join(tmpdir(), 'consenthub-alarm-queues-'));
  const server = await startSqs(directory);
  const client = sqsClient(server.endpoint, {
    region: 'eu-central-1',
    accessKeyId: 'local',
    secretAccessKey: 'local',
  });
  const urlOf = (name: string) => `${server.endpoint}/000000000000/${name}`;
  await createQueues(
    client,
    NAMES.map((name) => ({ name, url: urlOf(name), attributes: {} })),
  );
  const handlers = { 'contact-events': handleContacts({}), 'consent-events': handleConsents({}) };
  const consumerOf = (name: QueueName, handle: ConsumerDependencies['handle']) =>
    createConsumer({
      queue: createQueue(client, urlOf(name)),
      deadLetterQueue: createQueue(client, urlOf(`${name}-dead-letter`)),
      handle,
      log: recordLog().log,
      metrics: createMetrics(),
    });

  return {
    measure: () => server.measure(),
    /** Nobody receives it. */
    send: (name: QueueName) =>
      client.send(new SendMessageCommand({ QueueUrl: urlOf(name), MessageBody: 'waits' })),
    /** The function is handed a message that it cannot understand. */
    async poison(name: QueueName) {
      await consumerOf(name, handlers[name])([recordOf('not JSON')], () => 60_000);
    },
    /** One message is put aside for each reason that there is. */
    async putAsideForEachReason() {
      for (const reason of POISON_REASONS) {
        const consume = consumerOf(
          'contact-events',
          async (batch) => new Map(batch.map(({ id }) => [id, { kind: 'poison', reason }])),
        );
        await consume([recordOf('any')], () => 60_000);
      }
    },
    async empty() {
      for (const name of NAMES) {
        await client.send(new PurgeQueueCommand({ QueueUrl: urlOf(name) }));
      }
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server.close();
      rmSync(directory, { recursive: true });
    },
  };
}

export type Queues = Awaited<ReturnType<typeof startQueues>>;

function recordOf(body: string): SQSRecord {
  return {
    messageId: randomUUID(),
    receiptHandle: 'handle',
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(Date.now()),
      SenderId: 'sender',
      ApproximateFirstReceiveTimestamp: String(Date.now()),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: '',
    awsRegion: 'eu-central-1',
  };
}
