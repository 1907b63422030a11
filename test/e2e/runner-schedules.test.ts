import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { Clock } from '../../infra/local/clock.ts';
import { type RunningFixture, runFixture } from './runner-fixture.ts';

/** A run is over when its number stands in the file beside the bundle. */
const SWEEP = `
const { readFileSync } = require('node:fs');
let runs = 0;
exports.handler = async (event) => {
  runs += 1;
  console.log({ began: runs, source: event.source });
  while (Number(readFileSync(__dirname + '/allowed', 'utf8')) < runs) {
    await new Promise((done) => setTimeout(done, 5));
  }
  console.log({ ended: runs });
};`;

let fixture: RunningFixture;
let callback: (() => void) | undefined;
/** What is due later because it was refused. */
const later: { delayMs: number; retry: () => void }[] = [];
const clock: Clock = {
  now: () => new Date(),
  after(delayMs, retry) {
    later.push({ delayMs, retry });
    return { [Symbol.dispose]: () => {} };
  },
  every(_intervalMs, due) {
    callback = due;
    return {
      [Symbol.dispose]: () => {
        callback = undefined;
      },
    };
  },
};

async function run(options: { readonly clock?: Clock }): Promise<void> {
  fixture = await runFixture(
    { Sweep: { code: SWEEP, properties: { ReservedConcurrentExecutions: 1 } } },
    {
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: {
          ScheduleExpression: 'rate(1 minute)',
          Targets: [{ Id: 'Sweep', Arn: { 'Fn::GetAtt': ['Sweep', 'Arn'] } }],
        },
      },
      InvokeConfig: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: { FunctionName: { Ref: 'Sweep' }, MaximumRetryAttempts: 0 },
      },
    },
    options,
  );
  allow(0);
  fixture.cloud.serve();
}

const allow = (runs: number): void =>
  writeFileSync(join(fixture.directory, 'cdk.out', 'asset.Sweep', 'allowed'), String(runs));

const said = (): unknown[] =>
  readFileSync(join(fixture.directory, 'logs', 'sweep.log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => JSON.parse(line).message ?? []);

const until = (expected: unknown[]): Promise<void> =>
  vi.waitFor(() => expect(said()).toEqual(expected), { timeout: 10_000 });

afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

test('a scheduled function runs at the start and at its rate, one at a time, until the stop', async () => {
  await run({ clock });
  const first = { began: 1, source: 'aws.events' };
  await until([first]);
  callback?.();
  await vi.waitFor(() => expect(later).toMatchObject([{ delayMs: 1000 }]));
  allow(1);
  await until([first, { ended: 1 }]);
  const second = { began: 2, source: 'aws.events' };
  await vi.waitFor(() => {
    // The invocation's end is known to the runner a moment after the function has said it.
    later.pop()?.retry();
    expect(said()).toEqual([first, { ended: 1 }, second]);
  });
  const stopped = fixture.cloud.stop(new AbortController().signal);
  allow(2);
  await stopped;
  expect(said()).toEqual([first, { ended: 1 }, second, { ended: 2 }]);
  expect(callback).toBeUndefined();
});

test('without a clock nothing runs by itself, and the function can be invoked', async () => {
  await run({});
  expect(callback).toBeUndefined();
  allow(1);
  await fixture.cloud.functions[0]?.invoke({ source: 'test' });
  expect(said()).toEqual([{ began: 1, source: 'test' }, { ended: 1 }]);
});
