import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome } from '../../infra/local/lambda/execution-environment.ts';
import { type RunningFixture, runFixture } from './runner-fixture.ts';

const HANDLER = `
let count = 0;
exports.handler = async (event, context) => {
  count += 1;
  if (event.do === 'throw') throw new RangeError('too far');
  if (event.do === 'hoard') {
    const hoard = [];
    for (;;) {
      hoard.push(Buffer.alloc(1024 * 1024, 1));
      await new Promise(setImmediate);
    }
  }
  if (event.do === 'peak') Buffer.alloc(300 * 1024 * 1024, 1);
  if (event.do === 'exit') process.exit(3);
  if (event.do === 'hang') for (;;) {}
  if (event.do === 'reject') { Promise.reject(new Error('nobody waits')); await new Promise(() => {}); }
  if (event.do === 'log') { console.log('a line'); console.error({ b: 1 }); }
  return {
    count, pid: process.pid, environment: process.env, context,
    remaining: context.getRemainingTimeInMillis(),
    seen: [typeof process.send, typeof process.channel, process.argv.length],
    heap: require('node:v8').getHeapStatistics().heap_size_limit / 1048576,
    tz: new Date(0).getHours(),
  };
};`;

let fixture: RunningFixture;

beforeAll(async () => {
  fixture = await runFixture(
    {
      Probe: {
        code: HANDLER,
        properties: {
          MemorySize: 256,
          Timeout: 2,
          Environment: {
            Variables: { GREETING: { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Region' }]] } },
          },
        },
      },
      Module: { file: 'index.mjs', code: 'export const handler = async () => undefined;' },
      Unbundled: { code: "require('fastify'); exports.handler = async () => 1;" },
      // Stands for a bundle inside the checkout, where Node would find the package.
      Checkout: {
        code: `require(${JSON.stringify(createRequire(import.meta.url).resolve('fastify'))});`,
      },
      Nothing: { code: 'exports.other = 1;' },
      Callback: { code: 'exports.handler = (event, context, callback) => callback(null, 1);' },
    },
    {},
  );
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
});

async function invoke(title: string, event: unknown = {}): Promise<Outcome> {
  const target = fixture.cloud.functions.find((entry) => entry.definition.logicalId === title);
  if (target === undefined) throw new Error(`no ${title}`);
  return await target.invoke(event);
}

function value(outcome: Outcome): any {
  if ('error' in outcome) throw new Error(JSON.stringify(outcome.error));
  return JSON.parse(outcome.payload);
}

function error(outcome: Outcome): unknown {
  return 'error' in outcome ? outcome.error : outcome;
}

test('a process serves one invocation after another and stays warm', async () => {
  const first = value(await invoke('Probe'));
  const second = value(await invoke('Probe'));
  expect(second.pid).toBe(first.pid);
  expect(second.count).toBe(first.count + 1);
});

test('invocations at the same time run in processes of their own', async () => {
  const results = await Promise.all([invoke('Probe'), invoke('Probe')]);
  expect(new Set(results.map((entry) => value(entry).pid)).size).toBe(2);
});

test('a process that is killed while idle fails the invocation that still goes to it, and nothing else', async () => {
  const { pid } = value(await invoke('Probe'));
  process.kill(pid, 'SIGKILL');
  // It is dead, and the event loop has no turn to hear of it before the invocation is written.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  expect(error(await invoke('Probe'))).toMatchObject({
    errorType: 'Runtime.ExitError',
    errorMessage: expect.stringMatching(
      /^RequestId: \S+ Error: Runtime exited with error: signal: killed$/,
    ),
  });
  expect(value(await invoke('Probe')).pid).not.toBe(pid);
});

test('the environment is the template’s and AWS’s, and nothing else', async () => {
  const { environment, context, remaining, seen, heap, tz } = value(await invoke('Probe'));
  expect(Object.keys(environment).toSorted()).toEqual([
    'AWS_ACCESS_KEY_ID',
    'AWS_DEFAULT_REGION',
    'AWS_ENDPOINT_URL_SQS',
    'AWS_EXECUTION_ENV',
    'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
    'AWS_LAMBDA_FUNCTION_NAME',
    'AWS_LAMBDA_FUNCTION_VERSION',
    'AWS_LAMBDA_INITIALIZATION_TYPE',
    'AWS_LAMBDA_LOG_FORMAT',
    'AWS_LAMBDA_LOG_GROUP_NAME',
    'AWS_LAMBDA_LOG_STREAM_NAME',
    'AWS_REGION',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'GREETING',
    'LAMBDA_TASK_ROOT',
    'TZ',
    '_HANDLER',
  ]);
  expect(environment.GREETING).toBe('a-eu-central-1');
  expect(context).toMatchObject({
    awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    functionName: 'Fixture-Probe',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:Fixture-Probe',
    memoryLimitInMB: '256',
    logGroupName: '/aws/lambda/Fixture-Probe',
  });
  expect(remaining).toBeGreaterThan(0);
  expect(remaining).toBeLessThanOrEqual(2000);
  expect(seen).toEqual(['undefined', 'undefined', 2]);
  expect(heap).toBeLessThan(320);
  expect(tz).toBe(0);
});

test('a thrown error is answered in the shape of Lambda', async () => {
  expect(error(await invoke('Probe', { do: 'throw' }))).toEqual({
    errorType: 'RangeError',
    errorMessage: 'too far',
    trace: expect.arrayContaining(['RangeError: too far']),
  });
});

test('a process that ends or rejects is replaced by a fresh one', async () => {
  expect(error(await invoke('Probe', { do: 'exit' }))).toMatchObject({
    errorType: 'Runtime.ExitError',
    errorMessage: expect.stringMatching(
      /^RequestId: \S{36} Error: Runtime exited with error: exit status 3$/,
    ),
  });
  expect(error(await invoke('Probe', { do: 'reject' }))).toMatchObject({
    errorType: 'Runtime.UnhandledPromiseRejection',
  });
  expect(value(await invoke('Probe')).count).toBeGreaterThan(0);
});

test('a function over its timeout is killed, even in an endless loop', async () => {
  expect(error(await invoke('Probe', { do: 'hang' }))).toMatchObject({
    errorType: 'Sandbox.Timedout',
    errorMessage: expect.stringMatching(/Error: Task timed out after 2\.00 seconds$/),
  });
});

// Only Linux tells how much memory another process has.
test.runIf(process.platform === 'linux')(
  'a function over its memory is killed, also if it gives it back at once',
  async () => {
    for (const what of ['hoard', 'peak']) {
      expect(error(await invoke('Probe', { do: what }))).toMatchObject({
        errorType: 'Runtime.OutOfMemory',
        errorMessage: expect.stringMatching(/Error: Runtime exited with error: signal: killed$/),
      });
    }
    expect(value(await invoke('Probe')).count).toBe(1);
  },
);

test('modules: what is in the bundle, and nothing of the checkout', async () => {
  expect(await invoke('Module')).toEqual({ payload: 'null' });
  expect(error(await invoke('Unbundled'))).toMatchObject({
    errorType: 'Runtime.ImportModuleError',
    errorMessage: expect.stringContaining("Cannot find module 'fastify'"),
  });
  expect(error(await invoke('Checkout'))).toMatchObject({ errorType: 'Runtime.ImportModuleError' });
  expect(error(await invoke('Nothing'))).toMatchObject({ errorType: 'Runtime.HandlerNotFound' });
  expect(error(await invoke('Callback'))).toMatchObject({
    errorType: 'Runtime.CallbackHandlerDeprecated',
  });
});

test('the log holds what the function wrote between Lambda’s own lines', async () => {
  await invoke('Probe', { do: 'log' });
  const lines = readFileSync(join(fixture.directory, 'logs', 'probe.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const requestId = lines.at(-1).record.requestId;
  expect(lines.slice(-4)).toEqual([
    {
      time: expect.any(String),
      type: 'platform.start',
      record: { requestId, version: '$LATEST' },
    },
    { timestamp: expect.any(String), level: 'INFO', requestId, message: 'a line' },
    { timestamp: expect.any(String), level: 'ERROR', requestId, message: { b: 1 } },
    {
      time: expect.any(String),
      type: 'platform.report',
      record: {
        requestId,
        status: 'success',
        metrics: expect.objectContaining({
          memorySizeMB: 256,
          maxMemoryUsedMB: expect.any(Number),
        }),
      },
    },
  ]);
});
