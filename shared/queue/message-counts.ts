import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** About how many messages a queue holds; SQS counts them within a minute. */
export interface MessageCounts {
  /** Can be received now. */
  readonly waiting: number;
  /** Sent, and hidden for a while. */
  readonly delayed: number;
  /** Somebody has them in hand, or they wait for their next try. */
  readonly inFlight: number;
}

/** All of them, whoever has them: a message goes from one count to another before SQS has noticed. */
export const totalOf = ({ waiting, delayed, inFlight }: MessageCounts): number =>
  waiting + delayed + inFlight;

/** Throws as SQS's client does. */
export async function readMessageCounts(sqs: SQSClient, queueUrl: string): Promise<MessageCounts> {
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
