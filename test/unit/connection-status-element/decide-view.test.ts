import { describe, expect, test } from 'vitest';
import { announcement } from '../../../shared/connection-status/announce.ts';
import type { Failure } from '../../../shared/connection-status/client.ts';
import { decideView, type View } from '../../../shared/connection-status/decide-view.ts';
import { readStatusAnswer, readTestAnswer } from '../../../shared/connection-status/read-answer.ts';
import type { Snapshot, TestRun } from '../../../shared/connection-status/session.ts';
import {
  connectedBody,
  degradedBody,
  disconnectedBody,
  emptyBody,
  pausedBody,
  testBody,
} from '../../support/status-answers.ts';

const NOW_MS = Date.parse('2026-11-25T20:15:00Z');
/** How long ago the answer came. */
const AGE_MS = 7_000;

const LOADING: Snapshot = {
  setUp: true,
  answer: undefined,
  failure: undefined,
  refreshing: false,
  test: { phase: 'none' },
};

const answered = (body: object, changes: Partial<Snapshot> = {}): Snapshot => ({
  ...LOADING,
  answer: { status: readStatusAnswer(body), receivedAtMs: NOW_MS - AGE_MS },
  ...changes,
});

const view = (snapshot: Snapshot) => decideView(snapshot, NOW_MS, 'UTC');
const facts = ({ directions }: View) =>
  Object.fromEntries(
    directions.map(({ id, facts: of }) => [
      id,
      of.map(({ value }) => (typeof value === 'object' ? value.relative : value)),
    ]),
  );

test.each<[string, Snapshot, string, string]>([
  ['nobody to ask', { ...LOADING, setUp: false }, 'not-set-up', 'Not set up'],
  ['no answer yet', LOADING, 'loading', 'Loading'],
  ['connected', answered(connectedBody()), 'connected', 'Connected'],
  ['degraded', answered(degradedBody()), 'degraded', 'Needs attention'],
  ['paused', answered(pausedBody()), 'paused', 'Paused'],
  ['disconnected', answered(disconnectedBody()), 'disconnected', 'Disconnected'],
  [
    'a state of a later version',
    answered({ ...connectedBody(), status: 'constructor' }),
    'unknown',
    'Unknown state',
  ],
])('%s is shown as such', (_name, snapshot, state, word) => {
  expect(view(snapshot)).toMatchObject({ state, word });
});

test.each<[Failure, string, RegExp]>([
  [{ kind: 'signed-out' }, 'Signed out', /Sign in again/],
  [{ kind: 'not-allowed' }, 'Not allowed', /scope/],
  [{ kind: 'no-answer' }, 'No answer', /network/],
  [{ kind: 'unavailable', message: null }, 'No answer', /by itself/],
  [{ kind: 'unreadable', httpStatus: 404 }, 'Not understood', /endpoint/],
])('%o is said with what to do about it', (failure, word, remedy) => {
  const seen = view({ ...LOADING, failure });
  expect(seen).toMatchObject({ state: failure.kind, word, actions: true, directions: [] });
  expect(seen.remedy).toMatch(remedy);
});

test('what the API says of itself is shown', () => {
  const message = 'The request could not be handled. Send it again.';
  expect(view({ ...LOADING, failure: { kind: 'unavailable', message } }).summary).toBe(message);
});

test('an older answer stays, and is said to be old', () => {
  const seen = view(answered(connectedBody(), { failure: { kind: 'no-answer' } }));
  expect(seen).toMatchObject({
    state: 'no-answer',
    organization: 'Fictitious Clinic',
    staleSince: { relative: '7 seconds ago' },
  });
  expect(seen.directions).toHaveLength(2);
});

test('shows both directions, by the clock of the server and how long ago it was asked', () => {
  const seen = view(answered(connectedBody()));
  expect(facts(seen)).toEqual({
    contacts: ['19 seconds ago', '0', '0', '0'],
    consents: ['4 minutes ago', '3', '2, for up to 45 seconds', '0'],
  });
  expect(seen.checkedAt?.relative).toBe('7 seconds ago');
  expect(seen.details).toMatchObject([
    { label: 'Dynamics answers in', value: '141 ms' },
    { label: 'Token expires', value: { relative: 'in 51 minutes' } },
    { label: 'Columns for consents', value: 'Complete' },
  ]);
});

test('a clock of this machine that is wrong by hours makes nothing older', () => {
  const wrong = view(answered(connectedBody(NOW_MS - 3 * 3_600_000)));
  expect(facts(wrong)).toEqual(facts(view(answered(connectedBody()))));
});

test('what could not be found out is not known, and never zero', () => {
  const seen = view(answered(disconnectedBody()));
  expect(facts(seen)['contacts']).toEqual(['Not known', '7', 'Not known', 'Not known']);
  expect(seen.details.map(({ value }) => value)).toEqual(['Not known', 'Not known', 'Not known']);
});

test('a connection that is new says that nothing has been synchronised', () => {
  const seen = view(answered(emptyBody()));
  expect(seen.state).toBe('connected');
  expect(seen.summary).toContain('Nothing has been synchronised yet');
  expect(facts(seen)['contacts']).toEqual(['Nothing yet', '0', '0', '0']);
});

test('problems keep their words, also those with codes that are not known here', () => {
  const problem = { code: 'brand_new', message: 'Something new.', remedy: 'Read about it.' };
  expect(view(answered({ ...degradedBody(), problems: [problem] })).problems).toEqual([problem]);
});

test.each([
  [null, null],
  [
    'https://contoso.crm4.dynamics.com/',
    { text: 'contoso.crm4.dynamics.com', href: 'https://contoso.crm4.dynamics.com/' },
  ],
  ['javascript:alert(1)', { text: 'javascript:alert(1)', href: null }],
  ['data:text/html,x', { text: 'data:text/html,x', href: null }],
  ['nonsense', { text: 'nonsense', href: null }],
])('the URL %s is shown as %o', (url, expected) => {
  const body = connectedBody();
  const organization = { ...body.organization, url };
  expect(view(answered({ ...body, organization })).url).toEqual(expected);
});

describe('a test', () => {
  const tested = (run: TestRun) => view({ ...LOADING, test: run }).test;
  const done = (body: object): TestRun => ({
    phase: 'done',
    answer: readTestAnswer(body),
    atMs: NOW_MS - 60_000,
  });

  test('that passed says so, with every check in words', () => {
    const seen = tested(done(testBody()));
    expect(seen).toMatchObject({ phase: 'done', ok: true, message: 'All checks passed.' });
    expect(seen).toMatchObject({
      at: { relative: '1 minute ago' },
      checks: expect.arrayContaining([
        expect.objectContaining({ title: 'Sign in to Entra ID', ok: true }),
      ]),
    });
  });

  test('that failed counts what passed, and keeps the remedies', () => {
    const write = { message: 'It may not.', remedy: 'Let it.' };
    const seen = tested(done(testBody({ write })));
    expect(seen).toMatchObject({ ok: false, message: '6 of 7 checks passed.' });
    expect(seen).toMatchObject({
      checks: expect.arrayContaining([{ title: 'Change contacts', ok: false, ...write }]),
    });
  });

  test('says once why several checks were not tried', () => {
    const notTried = { message: 'Not tried.', remedy: 'Mend what failed first.' };
    const token = { message: 'Expired.', remedy: 'Make a new one.' };
    const seen = tested(done(testBody({ token, read: notTried, write: notTried })));
    expect(seen).toMatchObject({
      message: '4 of 7 checks passed.',
      checks: [
        { title: 'Sign in to Entra ID', ok: false, ...token },
        { title: 'Reach the organisation', ok: true },
        { title: 'Read contacts, Change contacts', ok: false, ...notTried },
        { title: 'Columns for consents' },
        { title: 'Change tracking' },
        { title: 'Webhooks' },
      ],
    });
  });

  test('with a check that is not known here shows its name', () => {
    const check = { name: 'quota', ok: true, message: 'Enough.', remedy: null };
    expect(tested(done({ ok: true, checks: [check] }))).toMatchObject({
      checks: [{ title: 'quota' }],
    });
  });

  test('that could not be made says why', () => {
    expect(tested({ phase: 'failed', failure: { kind: 'signed-out' } })).toMatchObject({
      phase: 'failed',
      remedy: expect.stringContaining('Sign in again'),
    });
  });
});

describe('a screen reader', () => {
  const loading = view(LOADING);
  const connected = view(answered(connectedBody()));
  const degraded = view(answered(degradedBody()));
  const old = view(answered(degradedBody(), { failure: { kind: 'no-answer' } }));
  const refreshing = view(answered(connectedBody(), { refreshing: true }));
  const running = view(answered(connectedBody(), { test: { phase: 'running' } }));
  const passed = view(
    answered(connectedBody(), {
      test: { phase: 'done', answer: readTestAnswer(testBody()), atMs: NOW_MS },
    }),
  );
  const untested = view(
    answered(connectedBody(), { test: { phase: 'failed', failure: { kind: 'no-answer' } } }),
  );

  test.each<[string, View, View, RegExp]>([
    ['the first answer', loading, connected, /^Connected\. /],
    ['a change of state', connected, degraded, /^Needs attention\. .* 2 problems\.$/],
    ['other problems in the same state', degraded, { ...degraded, problems: [] }, /^Needs/],
    ['the loss of the API, without repeating old problems', degraded, old, /^No answer\. [^2]*$/],
    ['what a person asked for', refreshing, connected, /^Connected\. /],
    ['that it asks', connected, refreshing, /^Asking again\.$/],
    ['that a test begins', connected, running, /^Testing the connection\.$/],
    ['what a test found', running, passed, /All checks passed\.$/],
    ['that a test was not possible', running, untested, /could not be tested.*network/],
    ['nothing when a test is closed', passed, connected, /^nothing$/],
    ['nothing when nothing is new', connected, view(answered(connectedBody())), /^nothing$/],
    ['nothing while it loads', view({ ...LOADING, setUp: false }), loading, /^nothing$/],
    ['nothing twice while it asks', refreshing, refreshing, /^nothing$/],
  ])('says %s', (_name, before, now, expected) => {
    expect(announcement(before, now) ?? 'nothing').toMatch(expected);
  });
});
