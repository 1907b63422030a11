import type { SQSRecord } from 'aws-lambda';
import { createSyncConsent } from '../../functions/sync-consent/sync-consent.ts';
import { createSyncContact } from '../../functions/sync-contact/sync-contact.ts';
import { rowKey } from '../../shared/contacts/contact-store.ts';
import { DatabaseRejected } from '../../shared/database/database.ts';
import { createConsumer, type ConsumerDependencies } from '../../shared/queue/consume.ts';
import { ORGANIZATION_ID } from '../support/execution-context.ts';
import { recordLog, recordMetrics } from '../support/observability.ts';

/** ConsentHub's organisation that is connected to `ORGANIZATION_ID`. */
const CONSENTHUB_ORGANIZATION_ID = '99999999-aaaa-4bbb-8ccc-000000000009';

/** What PostgreSQL says of a text that JSON can write and `jsonb` cannot keep ("JSON Types"). */
const UNTRANSLATABLE_CHARACTER = '22P05';

export interface Message {
  readonly body: string;
  readonly receiveCount: number;
}

/** What became of a batch: one entry for each message, and everything that was logged and measured. */
export interface Outcome {
  readonly settled: readonly string[];
  readonly logged: string;
}

/** Settles a batch with the real use case, in a world where every contact was deleted from Dynamics. */
export function consumeContacts(batch: readonly Message[]): Promise<Outcome> {
  const { log, lines } = recordLog();
  const { metrics, recorded } = recordMetrics();
  const handle = createSyncContact({
    store: {
      read: async (keys) =>
        keys.map((key) => ({
          ...key,
          organizationId: CONSENTHUB_ORGANIZATION_ID,
          stored: undefined,
        })),
      findPatientsToLink: async () => [],
      apply: async (writes) => {
        keep(writes.map(({ audit }) => audit));
        return new Map(writes.map((write) => [rowKey(write), '1']));
      },
    },
    readContacts: async (ids) => new Map(ids.map((id) => [id, { kind: 'deleted' }])),
    connectedOrganizationId: async () => ORGANIZATION_ID,
    newId: () => CONSENTHUB_ORGANIZATION_ID,
    now: () => new Date(0),
    log,
    metrics,
  });
  return consume(batch, handle, log, () => JSON.stringify([lines, recorded]));
}

/** Settles a batch with the real use case, in a world where no patient is linked to a contact. */
export function consumeConsents(batch: readonly Message[]): Promise<Outcome> {
  const { log, lines } = recordLog();
  const { metrics, recorded } = recordMetrics();
  const handle = createSyncConsent({
    store: {
      find: async (subjects) =>
        subjects.map((subject) => ({
          ...subject,
          patientOrganizationId: subject.organizationId,
          consentOrganizationId: subject.consentId && subject.organizationId,
          consentPatientId: subject.consentId && subject.patientId,
          contactId: null,
          dataverseOrganizationId: null,
        })),
      audit: async (_organizationId, rows) => keep(rows),
      claim: unexpected,
      settle: unexpected,
      release: unexpected,
    },
    contacts: { read: unexpected, findPatientsToLink: unexpected, apply: unexpected },
    dataverse: { getContact: unexpected, updateContact: unexpected, updateContacts: unexpected },
    consentColumns: unexpected,
    connectedOrganizationId: unexpected,
    newId: () => CONSENTHUB_ORGANIZATION_ID,
    now: () => new Date(0),
    log,
    metrics,
  });
  return consume(batch, handle, log, () => JSON.stringify([lines, recorded]));
}

async function consume(
  batch: readonly Message[],
  handle: ConsumerDependencies['handle'],
  log: ConsumerDependencies['log'],
  logged: () => string,
): Promise<Outcome> {
  const dead = new Map<string, string>();
  const consumer = createConsumer({
    queue: { retryAfter: async () => undefined, delete: async () => undefined },
    deadLetterQueue: {
      send: async ({ body, attributes }) => {
        dead.set(body, `dead: ${attributes?.['reason']}`);
        return 'dead';
      },
    },
    handle,
    log,
    metrics: recordMetrics().metrics,
  });
  const { batchItemFailures } = await consumer(batch.map(recordOf), () => 60_000);
  const kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  return {
    settled: batch.map(({ body }, index) =>
      kept.has(String(index)) ? 'kept' : (dead.get(body) ?? 'done'),
    ),
    logged: logged(),
  };
}

function recordOf({ body, receiveCount }: Message, index: number): SQSRecord {
  return {
    messageId: String(index),
    receiptHandle: `handle-${index}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(receiveCount),
      SentTimestamp: '0',
      SenderId: 'sender',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn',
    awsRegion: 'eu-central-1',
  };
}

/** Takes what PostgreSQL would take. */
function keep(rows: unknown): void {
  if (/\\u0000|\\ud[89a-f]/.test(JSON.stringify(rows))) {
    throw new DatabaseRejected(UNTRANSLATABLE_CHARACTER);
  }
}

async function unexpected(): Promise<never> {
  throw new TypeError('nothing but the parser decides here');
}
