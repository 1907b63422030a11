import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sqsClient } from '../../infra/local/queues/sqs-server.ts';
import { CREDENTIALS, type RunningFixture, runFixture } from './runner-fixture.ts';

/** Logs every record; what to do with it stands in the message itself. */
const CONSUMER = `
exports.handler = async (event) => {
  for (const record of event.Records) console.log({ record });
  const bodies = event.Records.map((record) => record.body);
  if (bodies.includes('throw')) throw new Error('no');
  if (bodies.includes('hold')) await new Promise((done) => setTimeout(done, 700));
  const failed = event.Records.filter((record) => record.body.startsWith('fail'));
  return { batchItemFailures: failed.map((record) => ({ itemIdentifier: record.messageId })) };
};`;

let fixture: RunningFixture;
let sqs: SQSClient;

beforeEach(async () => {
  fixture = await runFixture(
    { Consume: { code: CONSUMER, properties: { Timeout: 1 } } },
    {
      DeadLetters: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead-letters' } },
      Queue: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          VisibilityTimeout: 1,
          RedrivePolicy: {
            deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] },
            maxReceiveCount: 2,
          },
        },
      },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          BatchSize: 10,
          EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
          FunctionName: { Ref: 'Consume' },
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          ScalingConfig: { MaximumConcurrency: 3 },
        },
      },
    },
  );
  sqs = sqsClient(fixture.sqsEndpoint, CREDENTIALS);
});

afterEach(async () => {
  sqs.destroy();
  await fixture[Symbol.asyncDispose]();
});

const urlOf = (logicalId: string): string =>
  fixture.deployment.queues.find((entry) => entry.logicalId === logicalId)?.url ?? '';

const send = (body: string) =>
  sqs.send(
    new SendMessageCommand({
      QueueUrl: urlOf('Queue'),
      MessageBody: body,
      MessageGroupId: 'organisation',
      MessageAttributes: { reason: { DataType: 'String', StringValue: 'test' } },
    }),
  );

const received = (): any[] =>
  readFileSync(join(fixture.directory, 'logs', 'consume.log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => JSON.parse(line).message?.record ?? []);

async function waiting(logicalId: string): Promise<{ visible: number; inFlight: number }> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: urlOf(logicalId), AttributeNames: ['All'] }),
  );
  return {
    visible: Number(Attributes['ApproximateNumberOfMessages']),
    inFlight: Number(Attributes['ApproximateNumberOfMessagesNotVisible']),
  };
}

test('successes are deleted, failures come back and end in the dead-letter queue', async () => {
  for (const body of ['one', 'fail', 'two']) await send(body);
  fixture.cloud.serve();
  await vi.waitFor(async () => expect(await waiting('DeadLetters')).toMatchObject({ visible: 1 }), {
    timeout: 15_000,
  });
  expect(await waiting('Queue')).toEqual({ visible: 0, inFlight: 0 });
  const bodies: string[] = received().map((record) => record.body);
  expect(bodies.toSorted()).toEqual(['fail', 'fail', 'one', 'two']);
  expect(fixture.warnings).toEqual([]);

  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: urlOf('DeadLetters'), MessageAttributeNames: ['All'] }),
  );
  expect(Messages[0]).toMatchObject({
    Body: 'fail',
    MessageAttributes: { reason: { StringValue: 'test' } },
  });
});

test('a record has the shape of Lambda’s', async () => {
  await send('one');
  fixture.cloud.serve();
  await vi.waitFor(() => expect(received()).toHaveLength(1), { timeout: 10_000 });
  expect(received()[0]).toEqual({
    messageId: expect.any(String),
    receiptHandle: expect.any(String),
    body: 'one',
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: expect.stringMatching(/^\d{13}$/),
      SenderId: expect.any(String),
      ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
    },
    messageAttributes: {
      reason: {
        stringValue: 'test',
        stringListValues: [],
        binaryListValues: [],
        dataType: 'String',
      },
    },
    md5OfBody: expect.any(String),
    md5OfMessageAttributes: expect.any(String),
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:000000000000:Fixture-Queue',
    awsRegion: 'eu-central-1',
  });
});

test('a thrown error fails the whole batch', async () => {
  await send('throw');
  fixture.cloud.serve();
  await vi.waitFor(async () => expect(await waiting('DeadLetters')).toMatchObject({ visible: 1 }), {
    timeout: 15_000,
  });
  expect(received()).toHaveLength(2);
});

test('stopping lets a batch be finished and leaves no process', async () => {
  await send('hold');
  fixture.cloud.serve();
  await vi.waitFor(() => expect(received()).toHaveLength(1), { timeout: 10_000 });
  const processIds = fixture.cloud.functions.flatMap((entry) => entry.processIds());
  expect(processIds).toHaveLength(1);
  await fixture.cloud.stop(new AbortController().signal);
  expect(await waiting('Queue')).toEqual({ visible: 0, inFlight: 0 });
  for (const id of processIds) expect(() => process.kill(id, 0)).toThrow('ESRCH');
});

test('a forced stop kills what is at work, and its message stays', async () => {
  await send('hold');
  fixture.cloud.serve();
  await vi.waitFor(() => expect(received()).toHaveLength(1), { timeout: 10_000 });
  const force = new AbortController();
  const stopped = fixture.cloud.stop(force.signal);
  force.abort();
  await stopped;
  const { visible, inFlight } = await waiting('Queue');
  expect(visible + inFlight).toBe(1);
});
