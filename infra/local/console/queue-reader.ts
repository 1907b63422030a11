import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { type LocalCredentials, sqsClient } from '../queues/sqs-server.ts';
import type { QueueDefinition } from '../template/definitions.ts';
import type { QueueView } from './view.ts';

/** Counts what is in the queues, as anybody may who asks SQS. */
export function queueReader(
  queues: readonly Pick<QueueDefinition, 'name' | 'url' | 'deadLetterQueueArn'>[],
  endpoint: string,
  credentials: LocalCredentials,
): { read(): Promise<QueueView[]>; close(): void } {
  const client = sqsClient(endpoint, credentials);
  const count = async (
    queue: Pick<QueueDefinition, 'name' | 'url' | 'deadLetterQueueArn'>,
  ): Promise<QueueView> => {
    const { Attributes: found = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ['All'] }),
    );
    return {
      name: queue.name,
      deadLetters: queue.deadLetterQueueArn === undefined,
      waiting: Number(found['ApproximateNumberOfMessages'] ?? 0),
      inFlight: Number(found['ApproximateNumberOfMessagesNotVisible'] ?? 0),
      delayed: Number(found['ApproximateNumberOfMessagesDelayed'] ?? 0),
    };
  };
  return {
    read: () => Promise.all(queues.map(count)),
    close: () => client.destroy(),
  };
}
