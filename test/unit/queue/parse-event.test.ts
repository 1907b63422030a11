import { expect, test } from 'vitest';
import { parseConsentEvent } from '../../../shared/queue/consent-event.ts';
import { parseContactEvent } from '../../../shared/queue/contact-event.ts';
import { CONTACT_ID, CORRELATION_ID, ORGANIZATION_ID } from '../../support/execution-context.ts';

const contactMessage = {
  version: 1,
  eventId: 'event-1',
  type: 'contact.updated',
  dataverseOrganizationId: ORGANIZATION_ID,
  contactId: CONTACT_ID,
  receivedAt: '2026-11-22T10:00:00.000Z',
  correlationId: CORRELATION_ID,
};
const consentMessage = {
  version: 1,
  eventId: 'event-1',
  type: 'patient.updated',
  organizationId: ORGANIZATION_ID,
  patientId: CONTACT_ID,
  occurredAt: '2026-11-22T10:00:00.000Z',
};
const malformed = { ok: false, reason: 'malformed', fields: ['eventId'] };

test.each(['', 'x'.repeat(201), 'a\u0000b', 'a\ud800b', 'a\udfff'])(
  'a message whose event id is %j, which the audit trail cannot keep, is malformed',
  (eventId) => {
    expect(parseContactEvent(JSON.stringify({ ...contactMessage, eventId }))).toEqual(malformed);
    expect(parseConsentEvent(JSON.stringify({ ...consentMessage, eventId }))).toEqual(malformed);
  },
);

test.each(['x', 'x'.repeat(200), '3f1c\t7a52', 'Ärger 😀'])(
  'the event id %j is kept',
  (eventId) => {
    const event = { ok: true, event: { eventId } };
    expect(parseContactEvent(JSON.stringify({ ...contactMessage, eventId }))).toMatchObject(event);
    expect(parseConsentEvent(JSON.stringify({ ...consentMessage, eventId }))).toMatchObject(event);
  },
);

test.each([
  ['no JSON', []],
  ['"a text"', []],
  [
    JSON.stringify({ ...contactMessage, contactId: 'x', receivedAt: undefined }),
    ['contactId', 'receivedAt'],
  ],
])('%s: what is wrong is named, never its value', (body, fields) => {
  expect(parseContactEvent(body)).toEqual({ ok: false, reason: 'malformed', fields });
});
