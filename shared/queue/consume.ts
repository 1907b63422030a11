import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { describeError, type Log } from '../observability/log.ts';
import { messages } from '../observability/messages.ts';
import type { Measurements } from '../observability/metrics.ts';
import { loggedEvent } from './logged-event.ts';
import type { Queue } from './queue.ts';
import { type QueueMessage, retryDelaySeconds, type Settlement } from './settlement.ts';

/**
 * A message handed out so often without an outcome may be the one that kills its process. It is
 * tried alone, after all others of its batch are safely done.
 */
const SUSPECT_RECEIVES = 4;

/** A suspect is only tried with this much time left; the others come back at once. */
const MIN_REMAINING_MS = 12_000;

export interface ConsumerDependencies {
  readonly queue: Pick<Queue, 'retryAfter' | 'delete'>;
  readonly deadLetterQueue: Pick<Queue, 'send'>;
  /** Says what becomes of each message, by its id. What it leaves out, or throws on, is retried. */
  readonly handle: (
    batch: readonly QueueMessage[],
    remainingMs: () => number,
  ) => Promise<ReadonlyMap<string, Settlement>>;
  readonly log: Log;
  readonly metrics: Measurements;
}

/**
 * Turns a batch of an event source mapping into settlements and those into what SQS understands:
 * done messages are reported as such, the others get their visibility set and are reported as
 * failed, poison is moved to the dead-letter queue with its reason.
 */
export function createConsumer({
  queue,
  deadLetterQueue,
  handle,
  log,
  metrics,
}: ConsumerDependencies) {
  /** Settles a part of the batch; returns the ids of the messages that stay on the queue. */
  async function settle(
    records: readonly SQSRecord[],
    settlements: ReadonlyMap<string, Settlement>,
  ) {
    const kept = await Promise.all(
      records.map(async (record) => {
        const settlement = settlements.get(record.messageId) ?? retryOf(record, 'message');
        return (await settleOne(record, settlement)) ? undefined : record.messageId;
      }),
    );
    return kept.filter((id) => id !== undefined);
  }

  async function settleOne(record: SQSRecord, settlement: Settlement): Promise<boolean> {
    const receiveCount = receives(record);
    try {
      switch (settlement.kind) {
        case 'done':
          return true;
        case 'poison': {
          const deadLetterId = await deadLetterQueue.send({
            body: record.body,
            attributes: { reason: settlement.reason },
          });
          metrics.count('PoisonMessages', { reason: settlement.reason });
          log(messages.messagePoison, {
            messageId: record.messageId,
            deadLetterId,
            ...loggedEvent(record.body),
            reason: settlement.reason,
            receiveCount,
          });
          return true;
        }
        case 'retry':
          await queue.retryAfter(record.receiptHandle, settlement.afterSeconds);
          log(messages.messageRetried, {
            messageId: record.messageId,
            ...loggedEvent(record.body),
            retryAfterSeconds: settlement.afterSeconds,
            receiveCount,
          });
          return false;
      }
    } catch (error) {
      // The message stays where it is and comes back when its visibility ends.
      log(messages.messageNotSettled, { messageId: record.messageId, ...describeError(error) });
      return false;
    }
  }

  async function attempt(
    records: readonly SQSRecord[],
    remainingMs: () => number,
  ): Promise<ReadonlyMap<string, Settlement>> {
    try {
      return await handle(records.map(toMessage), remainingMs);
    } catch (error) {
      log(messages.functionFailed, describeError(error));
      return new Map();
    }
  }

  return async (
    records: readonly SQSRecord[],
    remainingMs: () => number,
  ): Promise<SQSBatchResponse> => {
    const suspects = records.filter((record) => receives(record) >= SUSPECT_RECEIVES);
    const others = records.filter((record) => receives(record) < SUSPECT_RECEIVES);
    let settlements =
      others.length > 0 ? await attempt(others, remainingMs) : new Map<string, Settlement>();
    const kept = await settle(others, settlements);

    if (suspects.length > 0) {
      const done = others.filter((record) => !kept.includes(record.messageId));
      await Promise.all(done.map((record) => discard(record)));
    }
    for (const record of suspects) {
      if (systemFails(settlements) || remainingMs() < MIN_REMAINING_MS) {
        kept.push(
          ...(await settle([record], new Map([[record.messageId, retryOf(record, 'system')]]))),
        );
        continue;
      }
      settlements = await attempt([record], remainingMs);
      const stays = await settle([record], settlements);
      kept.push(...stays);
      if (stays.length === 0) await discard(record);
    }
    return { batchItemFailures: kept.map((itemIdentifier) => ({ itemIdentifier })) };
  };

  /** Takes a done message off the queue now, because the process may not live to report it. */
  async function discard(record: SQSRecord) {
    try {
      await queue.delete(record.receiptHandle);
    } catch (error) {
      log(messages.messageNotSettled, { messageId: record.messageId, ...describeError(error) });
    }
  }
}

const receives = (record: SQSRecord): number => Number(record.attributes.ApproximateReceiveCount);

const toMessage = (record: SQSRecord): QueueMessage => ({
  id: record.messageId,
  body: record.body,
  receiveCount: receives(record),
});

const retryOf = (record: SQSRecord, cause: 'message' | 'system'): Settlement => ({
  kind: 'retry',
  afterSeconds: retryDelaySeconds(receives(record)),
  cause,
});

const systemFails = (settlements: ReadonlyMap<string, Settlement>): boolean =>
  [...settlements.values()].some(
    (settlement) => settlement.kind === 'retry' && settlement.cause === 'system',
  );
