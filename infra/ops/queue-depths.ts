import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  type MessageCounts,
  readMessageCounts,
  totalOf,
} from '../../shared/queue/message-counts.ts';
import type { EventQueue } from './target.ts';

/** What a queue and its dead-letter queue hold. */
export interface QueueDepth extends MessageCounts {
  readonly queue: EventQueue['name'];
  readonly deadLetters: number;
}

/** Throws as SQS's client does. */
export async function readQueueDepths(
  sqs: SQSClient,
  queues: readonly EventQueue[],
): Promise<readonly QueueDepth[]> {
  return await Promise.all(
    queues.map(async ({ name, url, deadLetterUrl }) => {
      const [own, dead] = await Promise.all([
        readMessageCounts(sqs, url),
        readMessageCounts(sqs, deadLetterUrl),
      ]);
      return {
        queue: name,
        ...own,
        // One that somebody looks at just now is a dead letter all the same.
        deadLetters: totalOf(dead),
      };
    }),
  );
}
