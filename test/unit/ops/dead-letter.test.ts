import { expect, test } from 'vitest';
import { deadLetterOf, redriven } from '../../../infra/ops/dead-letters/dead-letter.ts';
import { adviceOn } from '../../../infra/ops/dead-letters/reasons.ts';

const CONTACT = JSON.stringify({
  version: 1,
  eventId: 'one',
  type: 'contact.updated',
  dataverseOrganizationId: '0A000000-0000-4000-8000-000000000001',
  contactId: '0c000000-0000-4000-8000-000000000001',
  receivedAt: '2026-11-22T10:00:00.000Z',
  correlationId: 'two',
});
const CONSENT = JSON.stringify({
  version: 1,
  eventId: 'one',
  type: 'patient.updated',
  organizationId: '0b000000-0000-4000-8000-000000000001',
  patientId: '0d000000-0000-4000-8000-000000000001',
  occurredAt: '2026-11-22T10:00:00.000Z',
});

test.each([
  ['contact-events', CONTACT, '0a000000-0000-4000-8000-000000000001'],
  ['consent-events', CONSENT, '0b000000-0000-4000-8000-000000000001'],
  ['contact-events', CONSENT, undefined],
  ['consent-events', 'nonsense', undefined],
] as const)('what is sent back to %s is as it was, in its organisation', (queue, Body, groupId) => {
  const letter = deadLetterOf(queue, {
    MessageId: 'm',
    Body,
    Attributes: { SentTimestamp: '1795341600000' },
    MessageAttributes: {
      reason: { DataType: 'String', StringValue: 'unknown_type' },
      trace: { DataType: 'String', StringValue: 't' },
    },
  });
  expect(letter).toMatchObject({ id: 'm', queue, reason: 'unknown_type' });
  expect(letter.sentAt.toISOString()).toBe('2026-11-22T10:00:00.000Z');
  expect(redriven(letter)).toEqual({
    body: Body,
    attributes: { trace: 't' },
    ...(groupId !== undefined && { groupId }),
  });
});

test('there is advice on what has a reason, has none, or has one that nobody knows', () => {
  expect(adviceOn('unknown_type').remedy).toMatch(/redrive$/);
  expect(adviceOn(undefined).meaning).toMatch(/SQS moved it$/);
  expect(adviceOn('tired').meaning).toMatch(/this version does not know/);
});
