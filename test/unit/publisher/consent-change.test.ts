import { describe, expect, test } from 'vitest';
import {
  type ConsentChange,
  ConsentChangeInvalid,
  toConsentEvent,
} from '../../../shared/publisher/consent-change.ts';
import { parseConsentEvent } from '../../../shared/queue/consent-event.ts';

const defaults = { eventId: 'made-up', occurredAt: new Date('2026-11-22T10:00:00.123Z') };
const ids = {
  organizationId: '2b6f1c1e-0000-4000-8000-000000000001',
  patientId: '8a3f1c1e-0000-4000-8000-000000000002',
};
const consentId = '5d2f1c1e-0000-4000-8000-00000000000a';
const granted: ConsentChange = { type: 'consent.granted', ...ids, consentId };

function invalidFields(change: unknown): readonly string[] {
  try {
    toConsentEvent(change as ConsentChange, defaults);
  } catch (error) {
    if (error instanceof ConsentChangeInvalid) return error.fields;
    throw error;
  }
  return [];
}

describe('a change becomes a message', () => {
  test('that is complete', () => {
    expect(toConsentEvent(granted, defaults)).toEqual({
      version: 1,
      eventId: 'made-up',
      type: 'consent.granted',
      ...ids,
      consentId,
      occurredAt: '2026-11-22T10:00:00.123Z',
    });
  });

  test.each<ConsentChange>([
    granted,
    { ...granted, type: 'consent.revoked' },
    { ...granted, type: 'consent.expired' },
    { type: 'patient.updated', ...ids },
  ])('that the consumer understands: $type', (change) => {
    const event = toConsentEvent(change, defaults);
    expect(parseConsentEvent(JSON.stringify(event))).toEqual({ ok: true, event });
  });

  test('with the time and the id that the caller knows', () => {
    const own = { occurredAt: new Date('2026-11-22T09:59:59Z'), eventId: 'revocation-17' };
    expect(toConsentEvent({ ...granted, ...own }, defaults)).toMatchObject({
      occurredAt: '2026-11-22T09:59:59.000Z',
      eventId: 'revocation-17',
    });
    const text = { ...granted, occurredAt: '2026-11-22T09:59:59.5Z' };
    expect(toConsentEvent(text, defaults).occurredAt).toBe('2026-11-22T09:59:59.5Z');
  });

  test('in which ids are in lower case', () => {
    const upper = { ...granted, patientId: ids.patientId.toUpperCase() };
    expect(toConsentEvent(upper, defaults).patientId).toBe(ids.patientId);
  });

  test('that holds nothing else of what the caller had at hand', () => {
    const row = { ...granted, email: 'ada@example.test', version: 7 };
    const event = toConsentEvent(row, defaults);
    expect(JSON.stringify(event)).not.toContain('example');
    expect(event.version).toBe(1);
  });
});

describe('a mistake is named by its field', () => {
  const { consentId: _consentId, ...withoutConsent } = { ...granted, consentId };
  test.each<[string, unknown, string[]]>([
    ['no consent', withoutConsent, ['consentId']],
    ['an id that is none', { ...granted, patientId: 'ada@example.test' }, ['patientId']],
    [
      'two at once',
      { ...granted, patientId: 1, organizationId: '' },
      ['organizationId', 'patientId'],
    ],
    ['a type of ConsentHub that is no event', { ...granted, type: 'granted' }, ['type']],
    ['the event of a clock', { ...ids, type: 'sync.requested' }, ['type']],
    ['no type', ids, ['type']],
    ['a date that is none', { ...granted, occurredAt: new Date('soon') }, ['occurredAt']],
    ['a time without a zone', { ...granted, occurredAt: '2026-11-22T10:00:00' }, ['occurredAt']],
    ['an empty event id', { ...granted, eventId: '' }, ['eventId']],
    ['an endless event id', { ...granted, eventId: 'x'.repeat(201) }, ['eventId']],
    ['nothing', undefined, ['change']],
    ['null', null, ['change']],
  ])('%s', (_name, change, fields) => {
    expect(invalidFields(change)).toEqual(fields);
  });

  test('and never by its value', () => {
    const change = { ...granted, patientId: 'ada@example.test' };
    expect(() => toConsentEvent(change, defaults)).toThrow(
      /^The change cannot be published: missing or malformed: patientId$/,
    );
  });
});
