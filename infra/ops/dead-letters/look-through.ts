import {
  ChangeMessageVisibilityBatchCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { EventQueue } from '../target.ts';
import { type DeadLetter, deadLetterOf } from './dead-letter.ts';

/** Messages in hand are hidden from others for so long; who is killed meanwhile has hidden them no longer. */
const HIDDEN_SECONDS = 120;

/** The most that SQS takes or gives in one request. */
const MAX_BATCH = 10;

/** Asks every server of SQS (long polling): an answer without a message means that there is none. */
const WAIT_SECONDS = 1;

/** A message in hand. */
export interface LetterInHand extends DeadLetter {
  readonly receiptHandle: string;
}

/**
 * Goes through a dead-letter queue once. A message can only be seen by receiving it, so those that
 * are left are handed back at the end, whatever happens, and can be received at once.
 *
 * Throws as SQS's client does, and whatever `handle` throws.
 *
 * @param handle says what has become of a message: `left` on the queue, or `taken` off it
 * @param enough whether nobody needs to see more
 */
export async function lookThrough(
  sqs: SQSClient,
  queue: EventQueue,
  handle: (letter: LetterInHand) => Promise<'left' | 'taken'> | 'left' | 'taken',
  enough: () => boolean,
): Promise<void> {
  /** Receipt handles of what is left, by message id. */
  const left = new Map<string, string>();
  const seen = new Set<string>();
  try {
    while (!enough()) {
      const { Messages: messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queue.deadLetterUrl,
          MaxNumberOfMessages: MAX_BATCH,
          VisibilityTimeout: HIDDEN_SECONDS,
          WaitTimeSeconds: WAIT_SECONDS,
          MessageSystemAttributeNames: ['SentTimestamp'],
          MessageAttributeNames: ['All'],
        }),
      );
      const letters = messages.map((message) => ({
        ...deadLetterOf(queue.name, message),
        receiptHandle: message.ReceiptHandle ?? '',
      }));
      for (const { id, receiptHandle } of letters) left.set(id, receiptHandle);
      const fresh = letters.filter(({ id }) => !seen.has(id));
      // What was seen before comes round again: it was in hand for longer than it is hidden.
      if (fresh.length === 0) break;
      for (const letter of fresh) {
        if (enough()) break;
        seen.add(letter.id);
        if ((await handle(letter)) === 'taken') left.delete(letter.id);
      }
    }
  } finally {
    await handBack(sqs, queue, [...left.values()]);
  }
}

async function handBack(
  sqs: SQSClient,
  { deadLetterUrl }: EventQueue,
  handles: readonly string[],
): Promise<void> {
  for (let first = 0; first < handles.length; first += MAX_BATCH) {
    await sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: deadLetterUrl,
        Entries: handles.slice(first, first + MAX_BATCH).map((ReceiptHandle, index) => ({
          Id: `${index}`,
          ReceiptHandle,
          VisibilityTimeout: 0,
        })),
      }),
    );
  }
}
