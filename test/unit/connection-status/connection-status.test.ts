import { expect, test } from 'vitest';
import {
  CACHED_MS,
  createConnectionStatus,
  DEADLINE_MS,
  type StatusSources,
} from '../../../functions/connection-status/connection-status.ts';
import { SecretUnavailable } from '../../../shared/secrets/errors.ts';
import { recordLog } from '../../support/observability.ts';

const idle = { lastSuccessAt: null, due: 0, oldestSeconds: null };
const empty = { waiting: 0, deadLettered: 0 };

const HEALTHY: StatusSources = {
  orgUrl: 'https://contoso.crm4.dynamics.com',
  token: async () => ({ expiresAtMs: 3_600_000 }),
  whoAmI: async () => ({ organizationId: '0a000000-0000-4000-8000-000000000001' }),
  organizationName: async () => 'Fictitious Clinic',
  missingColumns: async () => [],
  isKnown: async () => true,
  sync: async () => ({ contacts: idle, consents: idle, trackingProblems: [], patientsToMerge: 0 }),
  contactQueues: async () => empty,
  consentQueues: async () => empty,
  cache: async () => null,
};

const forever = () => new Promise<never>(() => {});

function setUp(sources: Partial<StatusSources> = {}, connect?: () => Promise<StatusSources>) {
  const { log, lines } = recordLog();
  const waited: number[] = [];
  let nowMs = 1_000_000;
  let deadline = () => {};
  let connections = 0;
  const ask = createConnectionStatus({
    connect: async () => {
      connections += 1;
      return connect ? connect() : { ...HEALTHY, ...sources };
    },
    now: () => nowMs,
    wait: (ms) => {
      waited.push(ms);
      return new Promise<void>((resolve) => {
        deadline = resolve;
      });
    },
    log,
  });
  return {
    ask,
    lines,
    waited,
    passDeadline: () => deadline(),
    pass: (ms: number) => {
      nowMs += ms;
    },
    connections: () => connections,
  };
}

test('answers 200 while connected, and logs the state without the organisation', async () => {
  const { ask, lines } = setUp();
  const { statusCode, body } = await ask();
  expect(statusCode).toBe(200);
  expect(body.status).toBe('connected');
  expect(lines).toEqual([{ code: 'ST-001', outcome: 'connected', latencyMs: 0, fields: [] }]);
});

test('asks once for everybody within some seconds, then again', async () => {
  const { ask, pass, connections } = setUp();
  await ask();
  pass(CACHED_MS - 1);
  await ask();
  expect(connections()).toBe(1);
  pass(1);
  await ask();
  expect(connections()).toBe(2);
});

test.each([
  'token',
  'whoAmI',
  'organizationName',
  'missingColumns',
  'sync',
  'contactQueues',
  'consentQueues',
  'cache',
] as const)('answers at the deadline although %s never does', async (question) => {
  const { ask, passDeadline, waited } = setUp({ [question]: forever });
  const answer = ask();
  // Everything that answers has done so before the deadline passes.
  await new Promise(setImmediate);
  passDeadline();
  const { statusCode, body } = await answer;
  expect(body.problems).toHaveLength(1);
  expect(statusCode).toBe(question === 'token' || question === 'whoAmI' ? 503 : 200);
  expect(waited).toEqual([DEADLINE_MS]);
});

test('answers 503 at the deadline although its secrets cannot be had', async () => {
  const { ask, passDeadline } = setUp({}, forever);
  const answer = ask();
  await new Promise(setImmediate);
  passDeadline();
  expect((await answer).statusCode).toBe(503);
});

test('answers 503 with an explanation if its secrets cannot be read, and logs which', async () => {
  const { ask, lines } = setUp({}, async () => {
    throw new SecretUnavailable('arn:of-the-secret', 'TimeoutError');
  });
  const { statusCode, body } = await ask();
  expect(statusCode).toBe(503);
  expect(body.problems.map(({ code }) => code)).toEqual(['configuration_unusable']);
  expect(JSON.stringify(body)).not.toContain('arn:of-the-secret');
  expect(lines[0]).toMatchObject({ code: 'ST-004', errorName: 'SecretUnavailable' });
});

test('the deadline leaves time within two seconds', () => {
  expect(DEADLINE_MS).toBeLessThan(2_000);
});
