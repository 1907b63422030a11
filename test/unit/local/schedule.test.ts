import { expect, test } from 'vitest';
import type { Outcome } from '../../../infra/local/lambda/execution-environment.ts';
import { type Clock, startSchedule } from '../../../infra/local/schedules/schedule.ts';
import type { ScheduleDefinition } from '../../../infra/local/template/definitions.ts';

const DUE = new Date('2026-11-22T10:00:00.250Z');
const done: Outcome = { payload: 'null' };

const everyMinute: ScheduleDefinition = {
  logicalId: 'Rule',
  ruleArn: 'arn:aws:events:eu-central-1:000000000000:rule/every-minute',
  expression: 'rate(1 minute)',
  everySeconds: 60,
  functionName: 'Main-Sweep',
  input: undefined,
};

/** A schedule whose time passes, and whose runs end, when the test says so. */
function start(schedule = everyMinute, reservedConcurrency?: number) {
  const intervals = new Map<() => void, number>();
  const events: unknown[] = [];
  const runs: PromiseWithResolvers<Outcome>[] = [];
  const clock: Clock = {
    now: () => DUE,
    every(intervalMs, callback) {
      intervals.set(callback, intervalMs);
      return { [Symbol.dispose]: () => void intervals.delete(callback) };
    },
  };
  const running = startSchedule({
    schedule,
    reservedConcurrency,
    clock,
    invoke(event) {
      events.push(event);
      const run = Promise.withResolvers<Outcome>();
      runs.push(run);
      return run.promise;
    },
  });
  return {
    events,
    runs,
    intervalsMs: () => [...intervals.values()],
    pass: () => intervals.forEach((_ms, callback) => callback()),
    stop: () => running.stop(),
  };
}

test('the first run comes at once, the others at the rate of the schedule', () => {
  const schedule = start();
  expect(schedule.events).toHaveLength(1);
  expect(schedule.intervalsMs()).toEqual([60_000]);
  schedule.pass();
  schedule.pass();
  expect(schedule.events).toHaveLength(3);
});

test('the function gets the event of EventBridge', () => {
  expect(start().events).toEqual([
    {
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: '000000000000',
      time: '2026-11-22T10:00:00Z',
      region: 'eu-central-1',
      resources: [everyMinute.ruleArn],
      detail: {},
    },
  ]);
});

test('or the input that its target names', () => {
  expect(start({ ...everyMinute, input: '{"full":true}' }).events).toEqual([{ full: true }]);
});

test('with a reserved concurrency of one, no run begins before the last is over', async () => {
  const schedule = start(everyMinute, 1);
  schedule.pass();
  schedule.pass();
  expect(schedule.events).toHaveLength(1);
  schedule.runs[0]?.resolve(done);
  await schedule.runs[0]?.promise;
  schedule.pass();
  expect(schedule.events).toHaveLength(2);
});

test('a run that fails is not repeated and does not end the schedule', async () => {
  const schedule = start(everyMinute, 1);
  schedule.runs[0]?.reject(new Error('the process cannot be started'));
  await schedule.runs[0]?.promise.catch(() => undefined);
  expect(schedule.events).toHaveLength(1);
  schedule.pass();
  expect(schedule.events).toHaveLength(2);
});

test('stopping waits for the run under way and begins no other', async () => {
  const schedule = start();
  let stopped = false;
  const stopping = schedule.stop().finally(() => {
    stopped = true;
  });
  schedule.pass();
  expect(schedule.events).toHaveLength(1);
  expect(stopped).toBe(false);
  schedule.runs[0]?.resolve(done);
  await stopping;
  expect(stopped).toBe(true);
});
