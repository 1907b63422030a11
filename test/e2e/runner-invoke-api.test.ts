import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvokeCommand, type InvokeCommandInput, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CREDENTIALS, type RunningFixture, runFixture } from './runner-fixture.ts';

const PROBE = `exports.handler = async (event, context) => {
  if (event.do === 'throw') throw new RangeError('too far');
  if (event.do === 'exit') process.exit(3);
  if (event.do === 'hang') for (;;) {}
  if (event.do === 'large') return 'x'.repeat(6 * 1024 * 1024 + 200);
  console.log({ seen: event });
  if (event.do === 'talk') console.log('x'.repeat(5000) + 'the end');
  return { event, clientContext: context.clientContext, requestId: context.awsRequestId };
};`;

const HOLD = `exports.handler = async () => {
  console.log('holds');
  await new Promise((done) => setTimeout(done, 500));
};`;

const ARN = 'arn:aws:lambda:eu-central-1:000000000000:function:Fixture-ProbeThing';

let fixture: RunningFixture;
let client: LambdaClient;

beforeAll(async () => {
  fixture = await runFixture(
    {
      ProbeThing: { code: PROBE, properties: { Timeout: 2 } },
      Single: { code: HOLD, properties: { ReservedConcurrentExecutions: 1 } },
    },
    {},
  );
  client = new LambdaClient({
    endpoint: fixture.cloud.lambdaEndpoint,
    region: CREDENTIALS.region,
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
});

afterAll(async () => {
  client.destroy();
  await fixture[Symbol.asyncDispose]();
});

async function invoke(
  FunctionName: string,
  event: unknown,
  more: Partial<InvokeCommandInput> = {},
) {
  const answer = await client.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event), ...more }),
  );
  const text = answer.Payload?.transformToString() ?? '';
  return { ...answer, payload: text === '' ? undefined : JSON.parse(text) };
}

const logOf = (title: string): any[] =>
  readFileSync(join(fixture.directory, 'logs', `${title}.log`), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test.each([
  'probe-thing',
  'probe-thing:$LATEST',
  'Fixture-ProbeThing',
  'function:Fixture-ProbeThing',
  '000000000000:function:Fixture-ProbeThing',
  ARN,
  `${ARN}:$LATEST`,
])('a function is called by %s', async (name) => {
  const { StatusCode, ExecutedVersion, FunctionError, payload } = await invoke(name, { a: 1 });
  expect([StatusCode, ExecutedVersion, FunctionError]).toEqual([200, '$LATEST', undefined]);
  expect(payload.event).toEqual({ a: 1 });
});

test('the request id is the function’s, the client context reaches it', async () => {
  const ClientContext = Buffer.from('{"custom":{"a":"b"}}').toString('base64');
  const { $metadata, payload } = await invoke('probe-thing', {}, { ClientContext });
  expect(payload.requestId).toBe($metadata.requestId);
  expect(payload.clientContext).toEqual({ custom: { a: 'b' } });
});

test('without a payload the event is an empty object', async () => {
  expect((await invoke('probe-thing', {}, { Payload: '' })).payload.event).toEqual({});
});

test('an error of the function is an answer of status 200, in the shape of Lambda', async () => {
  expect(await invoke('probe-thing', { do: 'throw' })).toMatchObject({
    StatusCode: 200,
    FunctionError: 'Unhandled',
    payload: {
      errorType: 'RangeError',
      errorMessage: 'too far',
      trace: expect.arrayContaining(['RangeError: too far']),
    },
  });
  const exit = await invoke('probe-thing', { do: 'exit' });
  expect(exit).toMatchObject({
    FunctionError: 'Unhandled',
    payload: {
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${exit.$metadata.requestId} Error: Runtime exited with error: exit status 3`,
    },
  });
  const hang = await invoke('probe-thing', { do: 'hang' });
  expect(hang).toMatchObject({
    FunctionError: 'Unhandled',
    payload: {
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${hang.$metadata.requestId} Error: Task timed out after 2.00 seconds`,
    },
  });
  expect(await invoke('probe-thing', { do: 'large' })).toMatchObject({
    FunctionError: 'Unhandled',
    payload: { errorType: 'Function.ResponseSizeTooLarge' },
  });
});

test('the tail of the log is the last 4 KB of this invocation', async () => {
  const none = await invoke('probe-thing', {});
  expect(none.LogResult).toBeUndefined();
  const { LogResult = '', $metadata } = await invoke('probe-thing', { a: 2 }, { LogType: 'Tail' });
  const lines = Buffer.from(LogResult, 'base64').toString().trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { type: 'platform.start', record: { requestId: $metadata.requestId } },
    { message: { seen: { a: 2 } } },
    { type: 'platform.report' },
  ]);
  const long = await invoke('probe-thing', { do: 'talk' }, { LogType: 'Tail' });
  const tail = Buffer.from(long.LogResult ?? '', 'base64');
  expect(tail).toHaveLength(4096);
  expect(tail.toString()).toContain('xthe end"');
});

test('an event that nobody waits for is accepted and handled', async () => {
  const mark = randomUUID();
  const answer = await invoke('probe-thing', { mark }, { InvocationType: 'Event' });
  expect([answer.StatusCode, answer.payload]).toEqual([202, undefined]);
  await vi.waitFor(() =>
    expect(logOf('probe-thing')).toContainEqual(
      expect.objectContaining({
        message: { seen: { mark } },
        requestId: answer.$metadata.requestId,
      }),
    ),
  );
});

test('a dry run runs nothing', async () => {
  const mark = randomUUID();
  const answer = await invoke('probe-thing', { mark }, { InvocationType: 'DryRun' });
  expect([answer.StatusCode, answer.payload]).toEqual([204, undefined]);
  await invoke('probe-thing', {});
  expect(JSON.stringify(logOf('probe-thing'))).not.toContain(mark);
});

test('what Lambda refuses itself', async () => {
  await expect(invoke('nobody', {})).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    $metadata: { httpStatusCode: 404 },
  });
  await expect(invoke('probe-thing', {}, { Qualifier: 'live' })).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: 'Function not found: probe-thing:live',
  });
  await expect(invoke('probe-thing', {}, { Payload: '{' })).rejects.toMatchObject({
    name: 'InvalidRequestContentException',
    $metadata: { httpStatusCode: 400 },
  });
  await expect(invoke('probe-thing', {}, { ClientContext: 'no' })).rejects.toMatchObject({
    name: 'InvalidRequestContentException',
  });
  await expect(invoke('probe-thing', 'x'.repeat(6 * 1024 * 1024))).rejects.toMatchObject({
    name: 'RequestTooLargeException',
    $metadata: { httpStatusCode: 413 },
  });
  const large = 'x'.repeat(1024 * 1024);
  await expect(invoke('probe-thing', large, { InvocationType: 'Event' })).rejects.toMatchObject({
    name: 'RequestTooLargeException',
  });
  const path = '/2015-03-31/functions/probe-thing/invocations';
  const unsigned = await fetch(`${fixture.cloud.lambdaEndpoint}${path}`, { method: 'POST' });
  expect(unsigned.status).toBe(403);
});

test('beyond the reserved concurrency the answer is 429', async () => {
  const first = invoke('single', {});
  await vi.waitFor(() => expect(logOf('single').at(-1)).toMatchObject({ message: 'holds' }));
  await expect(invoke('single', {})).rejects.toMatchObject({
    name: 'TooManyRequestsException',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    $metadata: { httpStatusCode: 429 },
  });
  expect(await first).toMatchObject({ StatusCode: 200 });
  expect(await invoke('single', {})).toMatchObject({ StatusCode: 200 });
});
