import { readMessageCounts } from '../../../shared/queue/message-counts.ts';
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
  const count = async ({
    name,
    url,
    deadLetterQueueArn,
  }: Pick<QueueDefinition, 'name' | 'url' | 'deadLetterQueueArn'>): Promise<QueueView> => ({
    name,
    deadLetters: deadLetterQueueArn === undefined,
    ...(await readMessageCounts(client, url)),
  });
  return {
    read: () => Promise.all(queues.map(count)),
    close: () => client.destroy(),
  };
}
