import type { SQSClient } from '@aws-sdk/client-sqs';
import { readMessageCounts, totalOf } from '../../../shared/queue/message-counts.ts';
import type { EventQueue } from '../target.ts';
import type { DeadLetter } from './dead-letter.ts';
import { type LetterInHand, lookThrough } from './look-through.ts';

/** No more of a queue are looked at: they are hidden from others meanwhile, and nobody reads more. */
export const MAX_LETTERS_OF_A_QUEUE = 1_000;

export interface DeadLetters {
  /** The oldest first. */
  readonly letters: readonly DeadLetter[];
  /** About how many there are beside these: somebody has them in hand, or a queue has more than are looked at. */
  readonly unseen: number;
}

/** The dead letters of all queues. Throws as SQS's client does. */
export async function readDeadLetters(
  sqs: SQSClient,
  queues: readonly EventQueue[],
): Promise<DeadLetters> {
  const counts = await Promise.all(
    queues.map(({ deadLetterUrl }) => readMessageCounts(sqs, deadLetterUrl)),
  );
  const letters = await read(sqs, queues, () => false);
  const all = counts.reduce((sum, one) => sum + totalOf(one), 0);
  return { letters, unseen: Math.max(all - letters.length, 0) };
}

/** One of them; undefined if there is none, or somebody else has it in hand. Throws as SQS's client does. */
export async function findDeadLetter(
  sqs: SQSClient,
  queues: readonly EventQueue[],
  id: string,
): Promise<DeadLetter | undefined> {
  const isMeant = (letter: DeadLetter): boolean => letter.id === id;
  return (await read(sqs, queues, isMeant)).find(isMeant);
}

/** @param isLast whether nobody needs to see more than this one */
async function read(
  sqs: SQSClient,
  queues: readonly EventQueue[],
  isLast: (letter: DeadLetter) => boolean,
): Promise<readonly DeadLetter[]> {
  let found = false;
  const ofQueues = await Promise.all(
    queues.map(async (queue) => {
      const letters: DeadLetter[] = [];
      const add = ({ receiptHandle: _handle, ...letter }: LetterInHand) => {
        letters.push(letter);
        found ||= isLast(letter);
        return 'left' as const;
      };
      const enough = (): boolean => found || letters.length >= MAX_LETTERS_OF_A_QUEUE;
      await lookThrough(sqs, queue, add, enough);
      return letters;
    }),
  );
  return ofQueues.flat().toSorted((a, b) => a.sentAt.getTime() - b.sentAt.getTime());
}
