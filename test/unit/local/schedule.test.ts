import { expect, test } from 'vitest';
import type { Clock } from '../../../infra/local/clock.ts';
import { startSchedule } from '../../../infra/local/schedules/schedule.ts';
import type { ScheduleDefinition } from '../../../infra/local/template/definitions.ts';

const DUE = new Date('2026-11-22T10:00:00.250Z');

const everyMinute: ScheduleDefinition = {
  logicalId: 'Rule',
  ruleArn: 'arn:aws:events:eu-central-1:000000000000:rule/every-minute',
  expression: 'rate(1 minute)',
  everySeconds: 60,
  functionName: 'Main-Sweep',
  missingPermission: undefined,
  input: undefined,
};

/** A schedule whose time passes when the test says so. */
function start(schedule = everyMinute) {
  const intervals = new Map<() => void, number>();
  const events: unknown[] = [];
  const clock: Clock = {
    now: () => DUE,
    every(intervalMs, callback) {
      intervals.set(callback, intervalMs);
      return { [Symbol.dispose]: () => void intervals.delete(callback) };
    },
    after: () => {
      throw new Error('a schedule waits for nothing else');
    },
  };
  const running = startSchedule({ schedule, clock, invoke: (event) => events.push(event) });
  return {
    events,
    intervalsMs: () => [...intervals.values()],
    pass: () => intervals.forEach((_ms, callback) => callback()),
    stop: () => running[Symbol.dispose](),
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

test('stopping ends it', () => {
  const schedule = start();
  schedule.stop();
  schedule.pass();
  expect(schedule.events).toHaveLength(1);
});
