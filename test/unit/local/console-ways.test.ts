import { expect, test } from 'vitest';
import { createWays } from '../../../infra/local/console/ways.ts';

const AT = '2026-11-26T10:00:00.000Z';
const LATER = '2026-11-26T10:00:01.000Z';
const line = (code: string, more: object = {}) =>
  JSON.stringify({
    code,
    timestamp: AT,
    eventId: 'event-1',
    eventType: 'contact.created',
    contactId: 'contact-1',
    ...more,
  });

function waysOf(...lines: readonly string[]) {
  const ways = createWays();
  for (const text of lines) ways.read(text);
  return ways.list();
}

const accepted = line('WH-001');
const settled = line('CO-001', { timestamp: LATER, outcome: 'applied', latencyMs: 620 });

test('an event that was taken in is on its way', () => {
  expect(waysOf(accepted)).toEqual([
    {
      eventId: 'event-1',
      eventType: 'contact.created',
      direction: 'inbound',
      contactId: 'contact-1',
      patientId: null,
      at: AT,
      state: 'waiting',
      outcome: '',
      latencyMs: null,
    },
  ]);
});

test.each([
  ['taken in first', [accepted, settled], AT],
  ['read in the other order', [settled, accepted], LATER],
])('it is done, with its latency, from when it was first told of: %s', (_order, lines, at) => {
  expect(waysOf(...lines)).toMatchObject([
    { state: 'settled', outcome: 'applied', latencyMs: 620, at },
  ]);
});

test.each([
  ['CO-001', 'unreadable'],
  ['CS-001', 'unwritable'],
  ['CS-001', 'deferred'],
])('%s %s is left to the clock, and no latency is told', (code, outcome) => {
  expect(waysOf(accepted, line(code, { outcome, latencyMs: 90 }))).toMatchObject([
    { state: 'due', outcome, latencyMs: null },
  ]);
});

test('what is tried again says so, until it is done', () => {
  const retried = line('QU-002', { timestamp: LATER, retryAfterSeconds: 30 });
  expect(waysOf(accepted, retried)).toMatchObject([{ state: 'retried', latencyMs: null }]);
  expect(waysOf(accepted, retried, settled)).toMatchObject([
    { state: 'settled', outcome: 'applied', latencyMs: 620 },
  ]);
});

test('what was put aside says why, until it was sent back', () => {
  const dead = line('QU-001', {
    eventType: 'consent.granted',
    contactId: undefined,
    patientId: 'patient-1',
    reason: 'unknown_patient',
  });
  expect(waysOf(dead)).toMatchObject([
    { direction: 'outbound', patientId: 'patient-1', state: 'dead', outcome: 'unknown_patient' },
  ]);
  const consentSettled = line('CS-001', { eventType: 'consent.granted', outcome: 'applied' });
  expect(waysOf(dead, consentSettled)).toMatchObject([{ state: 'settled', outcome: 'applied' }]);
});

test('a doorbell goes the way of the function that it rings for', () => {
  const rung = { eventType: 'sync.requested', outcome: 'applied' };
  expect(waysOf(line('CO-001', rung))).toMatchObject([{ direction: 'inbound' }]);
  expect(waysOf(line('CS-001', rung))).toMatchObject([{ direction: 'outbound' }]);
});

test('consents go the other way', () => {
  expect(
    waysOf(line('CS-001', { eventType: 'consent.granted', outcome: 'applied', latencyMs: 300 })),
  ).toMatchObject([{ direction: 'outbound', latencyMs: 300 }]);
});

test.each([
  ['a metric', '{"_aws":{},"SyncLatency":575}'],
  ['half a line', '{"code":"CO-001","eventId":"ev'],
  ['another code', line('TK-001')],
  ['no event', JSON.stringify({ code: 'SW-001', timestamp: AT, count: 1 })],
  ['no text', ''],
])('%s tells of no event', (_what, text) => {
  expect(waysOf(text)).toEqual([]);
});

test('the newest are remembered, the newest first', () => {
  const many = Array.from({ length: 60 }, (_, index) =>
    line('WH-001', {
      eventId: `event-${index}`,
      timestamp: new Date(Date.parse(AT) + index).toISOString(),
    }),
  );
  const list = waysOf(...many);
  expect(list).toHaveLength(40);
  expect(list[0]?.eventId).toBe('event-59');
  expect(list.at(-1)?.eventId).toBe('event-20');
});
