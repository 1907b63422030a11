import type { SQSRecord } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { createConsumer } from '../../../shared/queue/consume.ts';
import { QueueUnavailable } from '../../../shared/queue/queue.ts';
import { retryDelaySeconds, type Settlement } from '../../../shared/queue/settlement.ts';
import { recordLog, recordMetrics } from '../../support/observability.ts';

const record = (messageId: string, receiveCount = 1, body = `body-${messageId}`): SQSRecord => ({
  messageId,
  receiptHandle: `handle-${messageId}`,
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
});

const done: Settlement = { kind: 'done' };
const poison: Settlement = { kind: 'poison', reason: 'malformed' };
const retry = (cause: 'message' | 'system' = 'message'): Settlement => ({
  kind: 'retry',
  afterSeconds: 7,
  cause,
});

function setUp(
  outcomes: Readonly<Record<string, Settlement | 'throws'>>,
  options: { queueDown?: boolean; remainingMs?: number } = {},
) {
  /** What happened, in its order. */
  const steps: string[] = [];
  const { log, lines } = recordLog();
  const { metrics, recorded } = recordMetrics();
  const down = () => {
    if (options.queueDown) throw new QueueUnavailable('down');
  };
  const consume = createConsumer({
    queue: {
      retryAfter: async (handle, seconds) => {
        down();
        steps.push(`${handle} again after ${seconds}`);
      },
      delete: async (handle) => {
        down();
        steps.push(`${handle} deleted`);
      },
    },
    deadLetterQueue: {
      send: async ({ body, attributes }) => {
        down();
        steps.push(`${body} dead: ${attributes?.['reason']}`);
        return `dead ${steps.length}`;
      },
    },
    handle: async (batch) => {
      steps.push(`handled ${batch.map(({ id }) => id).join(' ')}`);
      if (batch.some(({ id }) => outcomes[id] === 'throws')) throw new Error('Ada');
      return new Map(
        batch.flatMap(({ id }) => {
          const outcome = outcomes[id];
          return outcome === undefined || outcome === 'throws' ? [] : [[id, outcome]];
        }),
      );
    },
    log,
    metrics,
  });
  const run = async (...records: SQSRecord[]) => {
    const response = await consume(records, () => options.remainingMs ?? 30_000);
    return response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  return { run, steps, lines, recorded };
}

describe('a batch of messages', () => {
  test('is settled one by one', async () => {
    const { run, steps, recorded } = setUp({ a: done, b: retry(), c: poison });
    expect(await run(record('a'), record('b'), record('c'))).toEqual(['b']);
    expect(steps).toEqual(['handled a b c', 'handle-b again after 7', 'body-c dead: malformed']);
    expect(recorded).toEqual(['PoisonMessages{reason=malformed}']);
  });

  test('is logged with the event that a message holds, and with nothing of what is none', async () => {
    const contact = {
      version: 1,
      eventId: 'event-1',
      type: 'contact.created',
      dataverseOrganizationId: '0a000000-0000-4000-8000-000000000001',
      contactId: '0c000000-0000-4000-8000-000000000001',
      receivedAt: '2026-11-26T10:00:00.000Z',
      correlationId: 'correlation-1',
    };
    const consent = {
      version: 1,
      eventId: 'event-2',
      type: 'patient.updated',
      organizationId: '0a000000-0000-4000-8000-000000000002',
      patientId: '0b000000-0000-4000-8000-000000000001',
      occurredAt: '2026-11-26T10:00:00.000Z',
    };
    const { run, lines } = setUp({ a: retry(), b: poison, c: poison });
    await run(
      record('a', 1, JSON.stringify(contact)),
      record('b', 1, JSON.stringify(consent)),
      record('c', 1, '{"eventId":"Ada","version":1}'),
    );
    const { eventId, type: eventType, contactId, correlationId } = contact;
    expect(lines).toEqual([
      {
        code: 'QU-002',
        messageId: 'a',
        retryAfterSeconds: 7,
        receiveCount: 1,
        eventId,
        eventType,
        contactId,
        correlationId,
      },
      {
        code: 'QU-001',
        messageId: 'b',
        deadLetterId: expect.stringMatching(/^dead \d$/),
        reason: 'malformed',
        receiveCount: 1,
        eventId: 'event-2',
        eventType: 'patient.updated',
        patientId: consent.patientId,
      },
      {
        code: 'QU-001',
        messageId: 'c',
        deadLetterId: expect.stringMatching(/^dead \d$/),
        reason: 'malformed',
        receiveCount: 1,
      },
    ]);
  });

  test('keeps what was not settled, for longer each time', async () => {
    const { run, steps } = setUp({ a: done });
    expect(await run(record('a'), record('b', 3))).toEqual(['b']);
    expect(steps).toContain('handle-b again after 4');
  });

  test('is kept as a whole when the use case fails, and says nothing of why', async () => {
    const { run, lines } = setUp({ a: 'throws', b: done });
    expect(await run(record('a'), record('b'))).toEqual(['a', 'b']);
    expect(JSON.stringify(lines)).toContain('FN-001');
    expect(JSON.stringify(lines)).not.toContain('Ada');
  });

  test('loses nothing when SQS does not answer: poison stays as well', {
    tags: ['fault-7'],
  }, async () => {
    const { run } = setUp({ a: poison, b: retry(), c: done }, { queueDown: true });
    expect(await run(record('a'), record('b'), record('c'))).toEqual(['a', 'b']);
  });
});

describe('a message that was handed out often without an outcome', () => {
  test('is tried alone, after the others are off the queue', { tags: ['fault-13'] }, async () => {
    const { run, steps } = setUp({ a: done, bad: 'throws', b: done });
    expect(await run(record('a'), record('bad', 4), record('b'))).toEqual(['bad']);
    expect(steps).toEqual([
      'handled a b',
      'handle-a deleted',
      'handle-b deleted',
      'handled bad',
      'handle-bad again after 8',
    ]);
  });

  test('is off the queue at once when it succeeds: the next one may kill the process', {
    tags: ['fault-9', 'fault-13'],
  }, async () => {
    const { run, steps } = setUp({ a: done, b: done });
    expect(await run(record('a', 4), record('b', 9))).toEqual([]);
    expect(steps).toEqual(['handled a', 'handle-a deleted', 'handled b', 'handle-b deleted']);
  });

  test('waits when the others failed for a reason that is not their own', async () => {
    const { run, steps } = setUp({ a: retry('system'), b: done });
    expect(await run(record('a'), record('b', 4))).toEqual(['a', 'b']);
    expect(steps).toEqual(['handled a', 'handle-a again after 7', 'handle-b again after 8']);
  });

  test('waits when little time is left', async () => {
    const { run, steps } = setUp({ a: done }, { remainingMs: 5_000 });
    expect(await run(record('a', 4))).toEqual(['a']);
    expect(steps).toEqual(['handle-a again after 8']);
  });
});

test.each([
  [1, 1],
  [2, 2],
  [9, 256],
  [10, 300],
  [100, 300],
])('the wait after %i receives is %i s', (receiveCount, seconds) => {
  expect(retryDelaySeconds(receiveCount)).toBe(seconds);
});
