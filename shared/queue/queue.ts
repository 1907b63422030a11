import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type MessageAttributeValue,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';

/** A webhook has to be answered within seconds: one quick attempt and one more. */
const CONNECTION_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;
const MAX_ATTEMPTS = 2;

/** SQS accepts at most twelve hours. */
const MAX_VISIBILITY_SECONDS = 43_200;

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
  /** Resolves when SQS has acknowledged. @throws QueueUnavailable */
  send(message: SentMessage): Promise<void>;
  /** Hands a received message out again after so many seconds. @throws QueueUnavailable */
  retryAfter(receiptHandle: string, seconds: number): Promise<void>;
  /** @throws QueueUnavailable */
  delete(receiptHandle: string): Promise<void>;
}

/** One SQS queue. */
export function createQueue(client: SQSClient, queueUrl: string): Queue {
  const call = async (send: () => Promise<unknown>) => {
    try {
      await send();
    } catch (error) {
      // The SDK's own message is not kept: it can repeat what was sent.
      throw new QueueUnavailable(error instanceof Error ? error.name : 'unknown');
    }
  };
  return {
    send: ({ body, groupId, attributes = {} }) =>
      call(() =>
        client.send(
          new SendMessageCommand({
            QueueUrl: queueUrl,
            MessageBody: body,
            MessageGroupId: groupId,
            MessageAttributes: stringAttributes(attributes),
          }),
        ),
      ),
    retryAfter: (receiptHandle, seconds) =>
      call(() =>
        client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queueUrl,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: Math.min(Math.max(0, Math.ceil(seconds)), MAX_VISIBILITY_SECONDS),
          }),
        ),
      ),
    delete: (receiptHandle) =>
      call(() =>
        client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receiptHandle })),
      ),
  };
}

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
