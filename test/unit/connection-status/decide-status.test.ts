import { describe, expect, test } from 'vitest';
import {
  type Answer,
  decideStatus,
  type Findings,
  NoAnswerInTime,
  NotConfigured,
} from '../../../functions/connection-status/decide-status.ts';
import { TRACKING_PROBLEMS } from '../../../shared/reconcile/tracking-problem.ts';
import {
  ConnectionPaused,
  DataverseForbidden,
  DataverseUnauthorized,
  DataverseUnavailable,
  TokenRefused,
  TokenUnavailable,
} from '../../../shared/dataverse/errors.ts';

const CHECKED_AT = new Date('2026-03-01T12:00:00.000Z');
const ok = <T>(value: T): Answer<T> => ({ ok: true, value });
const failed = (error: unknown): Answer<never> => ({ ok: false, error });
const idle = { lastSuccessAt: null, due: 0, oldestSeconds: null };
const empty = { waiting: 0, deadLettered: 0 };

const HEALTHY: Findings = {
  orgUrl: 'https://contoso.crm4.dynamics.com',
  token: ok({ expiresAt: new Date('2026-03-01T13:00:00.000Z') }),
  organization: ok({ id: '0a000000-0000-4000-8000-000000000001', latencyMs: 87 }),
  organizationName: ok('Fictitious Clinic'),
  missingColumns: ok([]),
  organizationKnown: ok(true),
  sync: ok({
    contacts: { ...idle, lastSuccessAt: new Date('2026-03-01T11:59:00.000Z') },
    consents: { ...idle, due: 3, oldestSeconds: 12 },
    trackingProblems: [],
    patientsToMerge: 0,
  }),
  contactQueues: ok({ waiting: 2, deadLettered: 0 }),
  consentQueues: ok(empty),
  cache: ok(null),
};

const decide = (changed: Partial<Findings>) => decideStatus({ ...HEALTHY, ...changed }, CHECKED_AT);
const codesOf = (changed: Partial<Findings>) => decide(changed).problems.map(({ code }) => code);

test('everything is well', () => {
  expect(decide({})).toEqual({
    status: 'connected',
    organization: {
      id: '0a000000-0000-4000-8000-000000000001',
      name: 'Fictitious Clinic',
      url: 'https://contoso.crm4.dynamics.com',
    },
    checkedAt: '2026-03-01T12:00:00.000Z',
    latencyMs: 87,
    token: { expiresAt: '2026-03-01T13:00:00.000Z' },
    schema: { ok: true, missing: [] },
    sync: {
      contacts: {
        lastSuccessAt: '2026-03-01T11:59:00.000Z',
        waiting: 2,
        due: 0,
        oldestSeconds: null,
        deadLettered: 0,
      },
      consents: { lastSuccessAt: null, waiting: 0, due: 3, oldestSeconds: 12, deadLettered: 0 },
    },
    problems: [],
  });
});

const timeout = { reason: 'timeout', outcomeUnknown: false } as const;

describe('the state', () => {
  test.each([
    ['refused credentials', new TokenRefused([7_000_215]), 'disconnected', 'client_secret_wrong'],
    [
      'a silent Entra ID',
      new TokenUnavailable({ reason: 'timeout' }),
      'disconnected',
      'entra_unavailable',
    ],
    [
      'an Entra ID that throttles',
      new TokenUnavailable({ reason: 'throttled' }),
      'disconnected',
      'entra_unavailable',
    ],
    ['an Entra ID without an answer in time', new NoAnswerInTime(), 'disconnected', 'entra_slow'],
    ['no configuration', new NotConfigured(), 'disconnected', 'configuration_unusable'],
    [
      'credentials that were refused a moment ago',
      new ConnectionPaused('credentials-refused', 60),
      'disconnected',
      'credentials_refused',
    ],
    ['a pause', new ConnectionPaused('throttled', 30), 'paused', 'connection_throttled'],
  ])('no token because of %s', (_, error, status, code) => {
    const answer = failed(error);
    const changed = { token: answer, organization: answer, organizationName: answer };
    expect(decide(changed).status).toBe(status);
    expect(codesOf(changed)).toEqual([code]);
  });

  test.each([
    [
      'it does not answer',
      new DataverseUnavailable(timeout),
      'disconnected',
      'organization_unreachable',
    ],
    ['it does not answer in time', new NoAnswerInTime(), 'disconnected', 'organization_slow'],
    [
      'it refuses the user',
      new DataverseUnauthorized(),
      'disconnected',
      'application_user_missing',
    ],
    [
      'it throttles',
      new DataverseUnavailable({ ...timeout, reason: 'throttled' }),
      'paused',
      'connection_throttled',
    ],
    ['it is paused', new ConnectionPaused('server-error', 5), 'paused', 'connection_paused'],
    ['it forbids', new DataverseForbidden('0x80040220'), 'degraded', 'privilege_missing'],
  ])('a token, but of the organisation: %s', (_, error, status, code) => {
    const changed = { organization: failed(error), organizationName: failed(error) };
    expect(decide(changed)).toMatchObject({ status, latencyMs: null, organization: { id: null } });
    expect(codesOf(changed)).toEqual([code]);
  });

  test.each([
    ['an organisation that nobody knows', { organizationKnown: ok(false) }, 'organization_unknown'],
    ['missing columns', { missingColumns: ok(['ch_last_sync']) }, 'column_missing'],
    [
      'columns that could not be read',
      { missingColumns: failed(new NoAnswerInTime()) },
      'organization_slow',
    ],
    ['a silent database', { sync: failed(new Error()) }, 'database_unavailable'],
    [
      'a database without an answer in time',
      { sync: failed(new NoAnswerInTime()) },
      'database_unavailable',
    ],
    ['silent queues', { consentQueues: failed(new Error()) }, 'queues_unavailable'],
    ['a silent cache', { cache: failed(new Error()) }, 'cache_unavailable'],
    ['dead letters', { contactQueues: ok({ waiting: 0, deadLettered: 2 }) }, 'dead_letters'],
    [
      'a row that waits too long',
      {
        sync: ok({
          trackingProblems: [],
          patientsToMerge: 0,
          contacts: idle,
          consents: { ...idle, due: 1, oldestSeconds: 301 },
        }),
      },
      'sync_behind',
    ],
  ] satisfies [string, Partial<Findings>, string][])('degraded by %s', (_, changed, code) => {
    expect(decide(changed).status).toBe('degraded');
    expect(codesOf(changed)).toEqual([code]);
  });

  test('a row that waits for five minutes is not stuck yet', () => {
    const consents = { ...idle, due: 1, oldestSeconds: 300 };
    expect(
      decide({ sync: ok({ trackingProblems: [], patientsToMerge: 0, contacts: idle, consents }) })
        .status,
    ).toBe('connected');
  });
});

test('names the columns that are missing', () => {
  const { schema } = decide({ missingColumns: ok(['ch_last_sync']) });
  expect(schema).toEqual({ ok: false, missing: ['ch_last_sync'] });
});

test('never calls a schema good that it could not read', () => {
  expect(decide({ missingColumns: failed(new NoAnswerInTime()) }).schema.ok).toBe(false);
});

test('shows what could not be found out as null, and nothing of what an error said', () => {
  const secret = failed(new Error('postgres://user:password@host'));
  const status = decide({ orgUrl: null, sync: secret, contactQueues: secret, cache: secret });
  expect(status.organization.url).toBeNull();
  expect(status.sync.contacts).toEqual({
    lastSuccessAt: null,
    waiting: null,
    due: null,
    oldestSeconds: null,
    deadLettered: null,
  });
  expect(JSON.stringify(status)).not.toContain('password');
});

test('a reconciler that has stopped is a problem with a remedy', { tags: ['fault-26'] }, () => {
  const sync = ok({
    contacts: idle,
    consents: idle,
    trackingProblems: TRACKING_PROBLEMS,
    patientsToMerge: 0,
  });
  const { status, problems } = decide({ sync });
  expect(status).toBe('degraded');
  expect(problems.map(({ code }) => code)).toEqual([
    'change_tracking_forbidden',
    'contacts_missing',
    'versions_went_back',
    'change_tracking_refused',
  ]);
  for (const { remedy } of problems) expect(remedy).not.toBe('');
});

test.each([
  [1, /^1 contact was merged/],
  [999, /^999 contacts were merged/],
  [1_000, /^1000 or more contacts were merged/],
])('%i patients to merge are a problem with a remedy', (patientsToMerge, message) => {
  const sync = ok({ contacts: idle, consents: idle, trackingProblems: [], patientsToMerge });
  const { status, problems } = decide({ sync });
  expect(status).toBe('degraded');
  expect(problems).toEqual([
    {
      code: 'patients_to_merge',
      message: expect.stringMatching(message),
      remedy: expect.any(String),
    },
  ]);
});
