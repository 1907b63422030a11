import { afterAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { metricKey, type MetricName } from '../../../infra/local/cloudwatch/metric.ts';
import type { MetricQuery } from '../../../infra/local/template/metric-queries.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import { createMigratedDatabase } from '../../support/migrated-database.ts';
import { alarmCases, measureEverything } from './cases.ts';
import { startFunctions } from './functions.ts';
import { readMonitoring } from './monitoring.ts';
import { startQueues } from './queues.ts';
import { sweepOver } from './sweeps.ts';
import { createWorld, stopTime, type World } from './world.ts';

/** Minutes after which the slowest alarm has gone on, and after which it is over (three hours). */
const PATIENCE = { on: 30, over: 200 };

const PREFIX = 'consenthub-dynamics-';
const monitoring = readMonitoring();
const everyAlarm = [...monitoring.alarms, ...monitoring.compositeAlarms].map(
  ({ name, ...rest }) => ({ ...rest, name: name.replace(PREFIX, '') }),
);
stopTime();
const queues = await startQueues();
let world: World;
const functions = startFunctions(monitoring.functionNames, (name, event) =>
  world.onInvocation(name, event),
);
const cases = alarmCases(queues, functions);

beforeEach(async () => {
  await queues.empty();
  world = createWorld(monitoring, () => queues.measure());
});
afterAll(async () => {
  await functions[Symbol.asyncDispose]();
  await queues[Symbol.asyncDispose]();
  vi.useRealTimers();
});

test('every alarm of the template has a case, and every case an alarm', () => {
  expect(Object.keys(cases).toSorted()).toEqual(everyAlarm.map(({ name }) => name).toSorted());
});

describe.each(everyAlarm)('$name', ({ name, arn, alarmActions, okActions }) => {
  test('goes on and is over again, on what the functions and the runner measured', async () => {
    const { well, trouble } = cases[name] ?? {};
    if (well === undefined || trouble === undefined) throw new Error('it has no case');
    /** Minutes like this until the alarm is in a state; says whether its topics were told then. */
    const until = async (state: string, minutes: number, work: () => Promise<unknown>) => {
      for (let minute = 1; minute <= minutes; minute += 1) {
        const transitions = await world.minute(work);
        if (world.status(arn).state !== state) continue;
        return transitions.find(({ alarm }) => alarm.arn === arn)?.notified;
      }
      return expect.fail(`it is ${world.status(arn).state} after ${minutes} minutes`);
    };

    await until('OK', PATIENCE.over, well);
    expect(await until('ALARM', PATIENCE.on, trouble)).toEqual(alarmActions);
    expect(await until('OK', PATIENCE.over, well)).toEqual(okActions);
    await until('ALARM', PATIENCE.on, trouble);
    expect(world.status(arn).alarms).toBe(2);
  });
});

describe('over the rows of a database', () => {
  test.each([
    ['contacts-overdue', 'read_due_at'],
    ['consents-overdue', 'write_due_at'],
  ])('%s goes on while every try fails, and is over when one succeeds', async (name, clock) => {
    const database = await createMigratedDatabase();
    onTestFinished(() => database.drop());
    const rows = createDatabase({ url: database.url, endpoint: database.neonEndpoint });
    const arn = everyAlarm.find((alarm) => alarm.name === name)?.arn ?? '';
    const stateAfter = async (minutes: number) => {
      for (let minute = 0; minute < minutes; minute += 1) {
        await world.minute(() => sweepOver(rows));
      }
      return world.status(arn).state;
    };
    await database.pool.query(
      `with patient as (insert into patients (organization_id) values ($1) returning id)
       insert into dynamics_contacts (organization_id, contact_id, patient_id, ${clock})
       select $1, gen_random_uuid(), id, now() from patient`,
      [database.organizationId],
    );
    expect(await stateAfter(3)).toBe('OK');
    // Ten tries have failed, and the next one is a minute away.
    await database.pool.query(
      `update dynamics_contacts set attempts = 10, ${clock} = now() + interval '1 minute'`,
    );
    expect(await stateAfter(3)).toBe('ALARM');
    await database.pool.query(`update dynamics_contacts set attempts = 0, ${clock} = null`);
    expect(await stateAfter(3)).toBe('OK');
  });
});

describe('a metric that an alarm or the dashboard names', () => {
  const named = (queries: readonly MetricQuery[]): MetricName[] =>
    queries.flatMap((query) => ('metric' in query ? [query.metric] : []));
  const all = [
    ...monitoring.alarms.flatMap(({ queries }) => named(queries)),
    ...monitoring.dashboards.flatMap(({ widgets }) =>
      widgets.flatMap((widget) => (widget.type === 'metric' ? named(widget.queries) : [])),
    ),
  ];

  test('is one that the functions emit, with these dimensions', async () => {
    await world.minute(() => measureEverything(queues));
    const emitted = new Set(world.metrics().map(metricKey));
    const ofOurs = all.filter(({ namespace }) => !namespace.startsWith('AWS/'));
    expect(ofOurs.length).toBeGreaterThan(0);
    expect(ofOurs.filter((metric) => !emitted.has(metricKey(metric)))).toEqual([]);
  });

  test('is every one that the functions emit', async () => {
    await world.minute(() => measureEverything(queues));
    const shown = new Set(all.map(({ name }) => name));
    expect(
      world
        .metrics()
        .filter(({ namespace, name }) => !namespace.startsWith('AWS/') && !shown.has(name)),
    ).toEqual([]);
  });

  test('is one that AWS measures, of a function or a queue of the template', async () => {
    await world.minute(async () => {
      for (const folder of monitoring.functionNames.keys()) await functions.succeeds(folder);
    });
    const measured = new Set(world.metrics().map(metricKey));
    const ofAws = all.filter(({ namespace }) => namespace.startsWith('AWS/'));
    expect(ofAws.length).toBeGreaterThan(0);
    expect(ofAws.filter((metric) => !measured.has(metricKey(metric)))).toEqual([]);
  });
});
