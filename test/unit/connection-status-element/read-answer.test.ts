import { describe, expect, test } from 'vitest';
import { decideStatus, NotConfigured } from '../../../functions/connection-status/decide-status.ts';
import {
  AnswerUnreadable,
  readStatusAnswer,
  readTestAnswer,
} from '../../../shared/connection-status/read-answer.ts';
import { connectedBody, testBody } from '../../support/status-answers.ts';

const sent = (body: object): unknown => JSON.parse(JSON.stringify(body));

test('reads what the function answers when everything is there', () => {
  const checkedAtMs = Date.parse('2026-11-25T20:15:00Z');
  const answer = readStatusAnswer(sent(connectedBody(checkedAtMs)));
  expect(answer).toMatchObject({
    status: 'connected',
    organization: { name: 'Fictitious Clinic' },
    checkedAtMs,
    tokenExpiresAtMs: checkedAtMs + 52 * 60_000,
    sync: {
      contacts: { lastSuccessAtMs: checkedAtMs - 12_000, waiting: 0, oldestSeconds: null },
      consents: { waiting: 3, due: 2, oldestSeconds: 45 },
    },
    problems: [],
  });
});

test('reads what the function answers when nothing could be found out', () => {
  const failed = { ok: false, error: new NotConfigured() } as const;
  const body = decideStatus(
    {
      orgUrl: null,
      token: failed,
      organization: failed,
      organizationName: failed,
      missingColumns: failed,
      organizationKnown: failed,
      sync: failed,
      contactQueues: failed,
      consentQueues: failed,
      cache: failed,
    },
    new Date(0),
  );
  const answer = readStatusAnswer(sent(body));
  expect(answer.status).toBe('disconnected');
  expect(answer.sync.consents).toEqual({
    lastSuccessAtMs: null,
    waiting: null,
    due: null,
    oldestSeconds: null,
    deadLettered: null,
  });
  expect(answer.problems.map(({ code }) => code)).toContain('configuration_unusable');
});

test('reads a state and a code that it does not know, and leaves out what it does not need', () => {
  const body = { ...connectedBody(), status: 'resting', moon: 'full' };
  const problem = { code: 'new_one', message: 'New.', remedy: 'Wait.', since: 1 };
  const answer = readStatusAnswer({ ...body, problems: [problem] });
  expect(answer.status).toBe('resting');
  expect(answer.problems).toEqual([{ code: 'new_one', message: 'New.', remedy: 'Wait.' }]);
  expect(answer).not.toHaveProperty('moon');
});

describe('is unreadable', () => {
  const body = connectedBody();
  const contacts = (changes: object) => ({
    ...body,
    sync: { ...body.sync, contacts: { ...body.sync.contacts, ...changes } },
  });
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'connected'],
    ['a list', [body]],
    ['no state', { ...body, status: undefined }],
    ['no organisation', { ...body, organization: null }],
    ['a time that is none', { ...body, checkedAt: 'yesterday' }],
    ['a last sync that is a number', contacts({ lastSuccessAt: 1 })],
    ['a count that is a text', contacts({ waiting: '3' })],
    ['a count that is missing', contacts({ due: undefined })],
    [
      'missing columns that are no list',
      { ...body, schema: { ok: false, missing: 'ch_last_sync' } },
    ],
    ['a problem without a remedy', { ...body, problems: [{ code: 'a', message: 'b' }] }],
  ])('%s', (_name, value) => {
    expect(() => readStatusAnswer(value)).toThrow(AnswerUnreadable);
  });

  test.each<[string, unknown]>([
    ['no checks', { ok: true }],
    ['a check that is a text', { ok: true, checks: ['token'] }],
    ['a check that neither passed nor failed', { ok: true, checks: [{ name: 'token' }] }],
  ])('a test with %s', (_name, value) => {
    expect(() => readTestAnswer(value)).toThrow(AnswerUnreadable);
  });
});

test('reads a checklist', () => {
  const remedy = 'Make a new one.';
  const answer = readTestAnswer(sent(testBody({ token: { message: 'Expired.', remedy } })));
  expect(answer.ok).toBe(false);
  expect(answer.checks).toHaveLength(7);
  expect(answer.checks[0]).toEqual({ name: 'token', ok: false, message: 'Expired.', remedy });
});
