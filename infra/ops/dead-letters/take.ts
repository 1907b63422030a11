import type { SQSClient } from '@aws-sdk/client-sqs';
import { createQueue } from '../../../shared/queue/queue.ts';
import type { EventQueue } from '../target.ts';
import { type DeadLetter, redriven } from './dead-letter.ts';
import { lookThrough } from './look-through.ts';

/**
 * Dataverse takes 20 requests a second of a user; the clock takes twelve of them. This leaves some to
 * what people do now.
 */
const PER_SECOND = 5;

export interface TakeOptions {
  readonly sqs: SQSClient;
  readonly queues: readonly EventQueue[];
  /** The messages that are meant: one that comes back meanwhile as poison has another id, and stays. */
  readonly letters: readonly DeadLetter[];
  /** Resolves after so many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
  readonly interruption: AbortSignal;
  /** Told the ids of all that were taken so far: a failure in the middle must not hide them. */
  readonly onTaken: (ids: readonly string[]) => void;
}

/**
 * Takes messages off their dead-letter queue; `redrive` sends each to the queue that it came from
 * before. A crash between the two sends it twice, which does no harm.
 *
 * @returns ids of those that were taken: others are gone, or were in somebody else's hands
 * @throws QueueUnavailable, or as SQS's client does
 */
export async function takeDeadLetters(
  action: 'redrive' | 'discard',
  { sqs, queues, letters, wait, interruption, onTaken }: TakeOptions,
): Promise<readonly string[]> {
  const taken: string[] = [];
  for (const queue of queues) {
    const meant = new Set(letters.filter((one) => one.queue === queue.name).map(({ id }) => id));
    const source = createQueue(sqs, queue.url);
    const deadLetterQueue = createQueue(sqs, queue.deadLetterUrl);
    await lookThrough(
      sqs,
      queue,
      async (letter) => {
        if (!meant.has(letter.id)) return 'left';
        if (action === 'redrive') {
          await source.send(redriven(letter));
        }
        await deadLetterQueue.delete(letter.receiptHandle);
        meant.delete(letter.id);
        taken.push(letter.id);
        onTaken([...taken]);
        if (action === 'redrive') await wait(1_000 / PER_SECOND);
        return 'taken';
      },
      () => meant.size === 0 || interruption.aborted,
    );
  }
  return taken;
}
