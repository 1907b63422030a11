import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createQueue, type Queue, type SentMessage } from '../../shared/queue/queue.ts';

interface Entry {
  readonly Id: string;
  readonly MessageBody: string;
}

/** Answers of `SendMessageBatch` (SQS API reference): an entry that fails is named in a 200. */
let refused: ReadonlySet<string>;
let taken: string[];
let server: Server;
let client: SQSClient;
let queue: Queue;

beforeEach(async () => {
  refused = new Set();
  taken = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { Entries: entries } = JSON.parse(Buffer.concat(chunks).toString()) as {
        Entries: Entry[];
      };
      const isRefused = ({ MessageBody: body }: Entry) => refused.has(body);
      const accepted = entries.filter((entry) => !isRefused(entry));
      taken.push(...accepted.map(({ MessageBody: body }) => body));
      response.setHeader('content-type', 'application/x-amz-json-1.0');
      response.end(
        JSON.stringify({
          Successful: accepted.map(({ Id }) => ({ Id, MessageId: Id, MD5OfMessageBody: '' })),
          Failed: entries
            .filter(isRefused)
            .map(({ Id }) => ({ Id, SenderFault: false, Code: 'InternalError' })),
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new SQSClient({
    endpoint: url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    md5: false,
  });
  queue = createQueue(client, `${url}/000000000000/contact-events`);
});

afterEach(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const messages = (count: number): SentMessage[] =>
  Array.from({ length: count }, (_, index) => ({ body: `message ${index}` }));

test('any number of messages is sent, ten in a request', async () => {
  await queue.sendAll(messages(23));
  expect(taken).toEqual(messages(23).map(({ body }) => body));
});

test.each([0, 9, 10, 22])(
  'entry %i that fails in a batch that succeeds is a failure',
  { tags: ['fault-8'] },
  async (index) => {
    refused = new Set([`message ${index}`]);
    await expect(queue.sendAll(messages(23))).rejects.toMatchObject({ name: 'QueueUnavailable' });
  },
);
