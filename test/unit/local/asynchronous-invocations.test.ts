import { expect, test } from 'vitest';
import type { Clock } from '../../../infra/local/clock.ts';
import { asynchronousInvocations } from '../../../infra/local/lambda/asynchronous-invocations.ts';
import type { Outcome } from '../../../infra/local/lambda/execution-environment.ts';
import { ThrottledError } from '../../../infra/local/lambda/lambda-error.ts';

const DEFAULTS = { maximumRetryAttempts: 2, maximumEventAgeSeconds: 6 * 3600 };
const FAILED: Outcome = { error: { errorType: 'Error', errorMessage: 'no' } };
const DONE: Outcome = { payload: 'null' };

/** Lambda's queue with a clock that jumps to whatever is waited for. */
function start(answers: (Outcome | ThrottledError)[], policy = DEFAULTS) {
  let now = 0;
  const waits: number[] = [];
  const requestIds: string[] = [];
  const discarded: string[] = [];
  const clock: Clock = {
    now: () => new Date(now),
    every: () => {
      throw new Error('nothing comes again and again');
    },
    after(delayMs, callback) {
      waits.push(delayMs / 1000);
      now += delayMs;
      queueMicrotask(callback);
      return { [Symbol.dispose]: () => {} };
    },
  };
  const queue = asynchronousInvocations({
    policy,
    clock,
    async invoke(_event, requestId) {
      requestIds.push(requestId);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no answer');
      return answer;
    },
    onDiscarded: (reason) => discarded.push(reason),
  });
  return { queue, waits, requestIds, discarded };
}

/** Lets the queue work until it has nothing left that waits. */
async function drain() {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
}

test('an event that is handled is handled once', async () => {
  const { queue, waits, requestIds } = start([DONE]);
  queue.accept({}, 'one');
  await drain();
  expect([requestIds, waits]).toEqual([['one'], []]);
});

test('a failed run is repeated after one minute and after two more, with the same request id', async () => {
  const { queue, waits, requestIds, discarded } = start([FAILED]);
  queue.accept({}, 'one');
  await drain();
  expect(waits).toEqual([60, 120]);
  expect(requestIds).toEqual(['one', 'one', 'one']);
  expect(discarded).toEqual(['Error']);
});

test('not at all, if the policy says so', async () => {
  const { queue, waits, discarded } = start([FAILED], { ...DEFAULTS, maximumRetryAttempts: 0 });
  queue.accept({}, 'one');
  await drain();
  expect([waits, discarded]).toEqual([[], ['Error']]);
});

test('not beyond the age of the event', async () => {
  const { queue, waits, discarded } = start([FAILED], { ...DEFAULTS, maximumEventAgeSeconds: 60 });
  queue.accept({}, 'one');
  await drain();
  expect([waits, discarded]).toEqual([[60], ['Error']]);
});

test('a throttled event is tried again after growing waits, until it is too old', async () => {
  const { queue, waits, discarded } = start([new ThrottledError()], {
    maximumRetryAttempts: 0,
    maximumEventAgeSeconds: 1200,
  });
  queue.accept({}, 'one');
  await drain();
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  expect(discarded).toEqual(['no free concurrency']);
});

test('being throttled costs no attempt', async () => {
  const { queue, waits, discarded } = start([new ThrottledError(), FAILED, FAILED, DONE]);
  queue.accept({}, 'one');
  await drain();
  expect([waits, discarded]).toEqual([[1, 60, 120], []]);
});

test('stopping waits for the run under way and repeats nothing', async () => {
  const run = Promise.withResolvers<Outcome>();
  let runs = 0;
  const queue = asynchronousInvocations({
    policy: DEFAULTS,
    clock: {
      now: () => new Date(0),
      every: () => ({ [Symbol.dispose]: () => {} }),
      after: () => ({ [Symbol.dispose]: () => {} }),
    },
    invoke: () => {
      runs += 1;
      return run.promise;
    },
    onDiscarded: () => {},
  });
  queue.accept({}, 'one');
  let stopped = false;
  const stopping = queue.stop().finally(() => {
    stopped = true;
  });
  await drain();
  expect(stopped).toBe(false);
  run.resolve(FAILED);
  await stopping;
  expect(runs).toBe(1);
});
