import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type MessageAttributeValue,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type MessageCounts, readMessageCounts, totalOf } from './message-counts.ts';

/** A webhook has to be answered within seconds: one quick attempt and one more. */
const CONNECTION_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;
const MAX_ATTEMPTS = 2;

/** SQS accepts at most twelve hours. */
const MAX_VISIBILITY_SECONDS = 43_200;

/** The most that SQS takes in one request. */
const MAX_BATCH = 10;

/** The queue did not acknowledge. It may have taken the message all the same. */
export class QueueUnavailable extends Error {
  override readonly name = 'QueueUnavailable';
}

/** An SQS client whose calls end before a caller loses patience. Region and credentials come from Lambda's environment. */
export function createSqsClient(): SQSClient {
  return new SQSClient({
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
}

export interface SentMessage {
  readonly body: string;
  /** Makes a standard queue a fair one: a noisy organisation does not hold up the others. */
  readonly groupId?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface Queue {
  /** Resolves, with the message's id, when SQS has acknowledged. @throws QueueUnavailable */
  send(message: SentMessage): Promise<string>;
  /** Sends any number, ten in a request. @throws QueueUnavailable if one of them was not acknowledged */
  sendAll(messages: readonly SentMessage[]): Promise<void>;
  /** About how many messages could be received now or soon. @throws QueueUnavailable */
  waiting(): Promise<number>;
  /** About how many messages there are, also those that somebody has in hand. @throws QueueUnavailable */
  total(): Promise<number>;
  /** Hands a received message out again after so many seconds. @throws QueueUnavailable */
  retryAfter(receiptHandle: string, seconds: number): Promise<void>;
  /** @throws QueueUnavailable */
  delete(receiptHandle: string): Promise<void>;
}

/** One SQS queue. */
export function createQueue(client: SQSClient, queueUrl: string): Queue {
  const call = async <T>(send: () => Promise<T>): Promise<T> => {
    try {
      return await send();
    } catch (error) {
      // The SDK's own message is not kept: it can repeat what was sent.
      throw new QueueUnavailable(error instanceof Error ? error.name : 'unknown');
    }
  };
  const counts = (): Promise<MessageCounts> => call(() => readMessageCounts(client, queueUrl));
  return {
    send: (message) =>
      call(async () => {
        const { MessageId: id = '' } = await client.send(
          new SendMessageCommand({ QueueUrl: queueUrl, ...contentOf(message) }),
        );
        return id;
      }),
    sendAll: (messages) =>
      call(async () => {
        for (let first = 0; first < messages.length; first += MAX_BATCH) {
          const part = messages.slice(first, first + MAX_BATCH);
          const { Failed: failed = [] } = await client.send(
            new SendMessageBatchCommand({
              QueueUrl: queueUrl,
              Entries: part.map((message, index) => ({ Id: `${index}`, ...contentOf(message) })),
            }),
          );
          // The request as a whole succeeds although entries of it have failed.
          if (failed.length > 0) throw new QueueUnavailable('SendMessageBatch');
        }
      }),
    waiting: async () => {
      const { waiting, delayed } = await counts();
      return waiting + delayed;
    },
    total: async () => totalOf(await counts()),
    retryAfter: (receiptHandle, seconds) =>
      call(async () => {
        await client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queueUrl,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: Math.min(Math.max(0, Math.ceil(seconds)), MAX_VISIBILITY_SECONDS),
          }),
        );
      }),
    delete: (receiptHandle) =>
      call(async () => {
        await client.send(
          new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receiptHandle }),
        );
      }),
  };
}

const contentOf = ({ body, groupId, attributes = {} }: SentMessage) => ({
  MessageBody: body,
  MessageGroupId: groupId,
  MessageAttributes: stringAttributes(attributes),
});

function stringAttributes(
  attributes: Readonly<Record<string, string>>,
): Record<string, MessageAttributeValue> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      { DataType: 'String', StringValue: value },
    ]),
  );
}
