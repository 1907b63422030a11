import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, expect, test, vi } from 'vitest';
import { sqsClient } from '../../infra/local/queues/sqs-server.ts';
import { CREDENTIALS, type RunningFixture, runFixture } from './runner-fixture.ts';

/** Does with its one message what the message says. */
const CONSUMER = `
const { existsSync } = require('node:fs');
exports.handler = async ({ Records: [record] }) => {
  const receives = Number(record.attributes.ApproximateReceiveCount);
  console.log({ began: record.body, receives });
  if (record.body === 'throw') throw new Error('no');
  if (record.body === 'exit') process.exit(1);
  if (record.body === 'kill') process.kill(process.pid, 'SIGKILL');
  if (record.body === 'hang') for (;;) {}
  while (record.body.startsWith('hold') && !existsSync(__dirname + '/released')) {
    await new Promise((done) => setTimeout(done, 5));
  }
  console.log({ ended: record.body });
  const nonsense = record.body === 'malformed';
  return { batchItemFailures: nonsense ? [{ itemIdentifier: 'nobody' }] : null };
};`;

let fixture: RunningFixture;
let sqs: SQSClient;

async function run(
  functionProperties: Record<string, unknown>,
  queueProperties: Record<string, unknown>,
): Promise<void> {
  fixture = await runFixture(
    { Consume: { code: CONSUMER, properties: functionProperties } },
    {
      DeadLetters: { Type: 'AWS::SQS::Queue' },
      Queue: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          RedrivePolicy: {
            deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] },
            maxReceiveCount: 2,
          },
          ...queueProperties,
        },
      },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          BatchSize: 1,
          EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
          FunctionName: { Ref: 'Consume' },
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          ScalingConfig: { MaximumConcurrency: 2 },
        },
      },
    },
  );
  sqs = sqsClient(fixture.sqsEndpoint, CREDENTIALS);
}

afterEach(async () => {
  sqs.destroy();
  await fixture[Symbol.asyncDispose]();
});

const urlOf = (logicalId: string): string =>
  fixture.deployment.queues.find((entry) => entry.logicalId === logicalId)?.url ?? '';

const send = (body: string) =>
  sqs.send(new SendMessageCommand({ QueueUrl: urlOf('Queue'), MessageBody: body }));

const said = (): any[] =>
  readFileSync(join(fixture.directory, 'logs', 'consume.log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).message)
    .filter((message) => message?.began !== undefined || message?.ended !== undefined);

const began = (): string[] => said().flatMap((message) => message.began ?? []);
const ended = (): string[] => said().flatMap((message) => message.ended ?? []);

async function waiting(logicalId: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: urlOf(logicalId), AttributeNames: ['All'] }),
  );
  return Number(Attributes['ApproximateNumberOfMessages']);
}

const soon = { timeout: 20_000, interval: 50 };

test('what fails, crashes, hangs or answers nonsense comes back after its visibility timeout, until it is dead', {
  tags: ['fault-9'],
}, async () => {
  await run({ Timeout: 1 }, { VisibilityTimeout: 1 });
  const bodies = ['throw', 'exit', 'kill', 'hang', 'malformed'];
  for (const body of bodies) await send(body);
  fixture.cloud.serve();
  await vi.waitFor(async () => expect(await waiting('DeadLetters')).toBe(bodies.length), soon);
  const receivesOf = (body: string): number[] =>
    said().flatMap((message) => (message.began === body ? message.receives : []));
  await vi.waitFor(() => expect(bodies.map(receivesOf)).toEqual(bodies.map(() => [1, 2])), soon);
  expect(ended()).toEqual(['malformed', 'malformed']);
});

test('no more batches at a time than the maximum concurrency', async () => {
  await run({ Timeout: 60 }, { VisibilityTimeout: 60 });
  for (const number of [1, 2, 3, 4]) await send(`hold ${number}`);
  fixture.cloud.serve();
  await vi.waitFor(() => expect(began()).toHaveLength(2), soon);
  writeFileSync(join(fixture.directory, 'cdk.out', 'asset.Consume', 'released'), '');
  await vi.waitFor(() => expect(ended()).toHaveLength(4), soon);
  let atATime = 0;
  for (const message of said()) {
    atATime += message.began === undefined ? -1 : 1;
    expect(atATime).toBeLessThanOrEqual(2);
  }
});

test('a batch that is throttled is tried again while it is invisible: that is no receive', async () => {
  await run({ Timeout: 60, ReservedConcurrentExecutions: 1 }, { VisibilityTimeout: 60 });
  await send('hold one');
  await send('hold two');
  fixture.cloud.serve();
  await vi.waitFor(() => expect(began()).toHaveLength(1), soon);
  await vi.waitFor(async () => expect(await waiting('Queue')).toBe(0), soon);
  writeFileSync(join(fixture.directory, 'cdk.out', 'asset.Consume', 'released'), '');
  await vi.waitFor(() => expect(ended()).toHaveLength(2), soon);
  expect(said().flatMap((message) => message.receives ?? [])).toEqual([1, 1]);
  expect(fixture.warnings).toEqual([]);
});
