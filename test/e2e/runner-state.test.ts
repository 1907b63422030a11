import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepValues } from '../../infra/local/outside/kept-values.ts';
import { createQueues, sqsClient, startSqs } from '../../infra/local/queues/sqs-server.ts';
import { lockStack } from '../../infra/local/stack-lock.ts';
import { CREDENTIALS } from './runner-fixture.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runner-state-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

/** Starts SQS with one queue, hands its client to `use`, and stops it again. */
async function withQueue<T>(
  attributes: Record<string, string>,
  use: (client: ReturnType<typeof sqsClient>, url: string) => Promise<T>,
): Promise<T> {
  const server = await startSqs(directory);
  const client = sqsClient(server.endpoint, CREDENTIALS);
  const url = `${server.endpoint}/000000000000/events`;
  try {
    expect(new URL(server.endpoint).hostname).toBe('127.0.0.1');
    await createQueues(client, [{ name: 'events', url, attributes }]);
    return await use(client, url);
  } finally {
    client.destroy();
    await server.close();
  }
}

test('messages survive a restart, also one that is in flight; attributes follow the template', async () => {
  await withQueue({ VisibilityTimeout: '30' }, async (client, url) => {
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'waiting' }));
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'another' }));
    await client.send(new ReceiveMessageCommand({ QueueUrl: url }));
  });
  await withQueue({ VisibilityTimeout: '60' }, async (client, url) => {
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
    );
    expect(Attributes).toMatchObject({
      ApproximateNumberOfMessages: '1',
      ApproximateNumberOfMessagesNotVisible: '1',
      VisibilityTimeout: '60',
    });
  });
});

test('one stack at a time', () => {
  const lock = lockStack(directory);
  expect(() => lockStack(directory)).toThrow('is running in this checkout already');
  lock[Symbol.dispose]();
  lockStack(directory)[Symbol.dispose]();
});

test('made-up credentials are kept', () => {
  const file = join(directory, 'credentials.json');
  const first = keepValues(file);
  expect(keepValues(file)).toEqual(first);
  expect(first.webhookSecret).toHaveLength(43);
});
