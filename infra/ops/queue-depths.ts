import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { EventQueue } from './target.ts';

/** About how many messages there are; SQS counts them within a minute. */
export interface QueueDepth {
  readonly queue: EventQueue['name'];
  /** Can be received now. */
  readonly waiting: number;
  /** Sent, and hidden for a while. */
  readonly delayed: number;
  /** Somebody has them in hand, or they wait for their next try. */
  readonly inFlight: number;
  readonly deadLetters: number;
}

/** Throws as SQS's client does. */
export async function readQueueDepths(
  sqs: SQSClient,
  queues: readonly EventQueue[],
): Promise<readonly QueueDepth[]> {
  return await Promise.all(
    queues.map(async ({ name, url, deadLetterUrl }) => {
      const [own, dead] = await Promise.all([counts(sqs, url), counts(sqs, deadLetterUrl)]);
      return {
        queue: name,
        ...own,
        // One that somebody looks at just now is a dead letter all the same.
        deadLetters: dead.waiting + dead.delayed + dead.inFlight,
      };
    }),
  );
}

async function counts(sqs: SQSClient, queueUrl: string) {
  const { Attributes: attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesDelayed',
        'ApproximateNumberOfMessagesNotVisible',
      ],
    }),
  );
  return {
    waiting: Number(attributes?.ApproximateNumberOfMessages ?? 0),
    delayed: Number(attributes?.ApproximateNumberOfMessagesDelayed ?? 0),
    inFlight: Number(attributes?.ApproximateNumberOfMessagesNotVisible ?? 0),
  };
}
