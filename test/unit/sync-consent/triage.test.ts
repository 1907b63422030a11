import { describe, expect, test } from 'vitest';
import { type Arrived, triage } from '../../../functions/sync-consent/triage.ts';
import type { FoundSubject } from '../../../shared/consent/consent-store.ts';
import { parseConsentEvent } from '../../../shared/queue/consent-event.ts';

const ORGANIZATION = '0a000000-0000-4000-8000-000000000001';
const OTHER_ORGANIZATION = '0a000000-0000-4000-8000-000000000002';
const PATIENT = '0b000000-0000-4000-8000-000000000001';
const OTHER_PATIENT = '0b000000-0000-4000-8000-000000000002';
const CONSENT = '0d000000-0000-4000-8000-000000000001';

function arrived(id: string, receiveCount = 1, consentId: string | null = CONSENT): Arrived {
  const body = JSON.stringify({
    version: 1,
    eventId: `event-${id}`,
    type: consentId === null ? 'patient.updated' : 'consent.granted',
    organizationId: ORGANIZATION,
    patientId: PATIENT,
    ...(consentId !== null && { consentId }),
    occurredAt: '2026-11-26T10:00:00Z',
  });
  const parsed = parseConsentEvent(body);
  if (!parsed.ok) throw new Error(parsed.reason);
  return { message: { id, body, receiveCount }, event: parsed.event };
}

/** A granted consent of a patient whom one contact shows. */
const subject = (more: Partial<FoundSubject> = {}): FoundSubject => ({
  organizationId: ORGANIZATION,
  patientId: PATIENT,
  consentId: CONSENT,
  patientOrganizationId: ORGANIZATION,
  consentOrganizationId: ORGANIZATION,
  consentPatientId: PATIENT,
  contactId: 'contact-1',
  dataverseOrganizationId: 'dataverse-1',
  ...more,
});

describe('an event is the work of every contact that shows its patient', () => {
  test('of one', () => {
    const one = arrived('a');
    const { works, unlinked, settled } = triage([one], [subject()]);
    expect(works).toEqual([{ subject: subject(), arrived: [one] }]);
    expect([unlinked, [...settled]]).toEqual([[], []]);
  });

  test('of several, as the master of a merged contact does', () => {
    const one = arrived('a');
    const { works } = triage([one], [subject(), subject({ contactId: 'contact-2' })]);
    expect(works.map(({ subject: { contactId } }) => contactId)).toEqual([
      'contact-1',
      'contact-2',
    ]);
  });

  test('several events of a patient are one work', () => {
    const [granted, updated] = [arrived('a'), arrived('b', 1, null)];
    const wholePatient = subject({
      consentId: null,
      consentOrganizationId: null,
      consentPatientId: null,
    });
    const { works } = triage([granted, updated], [subject(), wholePatient]);
    expect(works.map((work) => work.arrived)).toEqual([[granted, updated]]);
  });

  test('of a patient whom no contact shows it is nobody’s', () => {
    const one = arrived('a');
    const nobody = subject({ contactId: null, dataverseOrganizationId: null });
    expect(triage([one], [nobody])).toEqual({ works: [], unlinked: [one], settled: new Map() });
  });
});

describe('what cannot be done', () => {
  test.each([
    ['a patient that is not there', { patientOrganizationId: null }, 'unknown_patient'],
    ['a consent that is not there', { consentOrganizationId: null }, 'unknown_consent'],
  ])('%s may come with a commit that is late: for six tries', (_, how, reason) => {
    const settled = (receiveCount: number) =>
      triage([arrived('a', receiveCount)], [subject(how)]).settled.get('a');
    expect(settled(1)).toEqual({ kind: 'retry', afterSeconds: 1, cause: 'message' });
    expect(settled(6)).toEqual({ kind: 'retry', afterSeconds: 32, cause: 'message' });
    expect(settled(7)).toEqual({ kind: 'poison', reason });
  });

  test.each([
    [
      'a patient of another organisation',
      { patientOrganizationId: OTHER_ORGANIZATION },
      'foreign_patient',
    ],
    [
      'a consent of another organisation',
      { consentOrganizationId: OTHER_ORGANIZATION },
      'foreign_consent',
    ],
    ['a consent of another patient', { consentPatientId: OTHER_PATIENT }, 'foreign_consent'],
  ])('%s is put aside at once, and is no work', (_, how, reason) => {
    const { works, unlinked, settled } = triage([arrived('a')], [subject(how)]);
    expect([works, unlinked]).toEqual([[], []]);
    expect([...settled]).toEqual([['a', { kind: 'poison', reason }]]);
  });

  test('keeps nothing else from being done', () => {
    const [good, bad] = [arrived('a', 1, null), arrived('b')];
    const wholePatient = subject({
      consentId: null,
      consentOrganizationId: null,
      consentPatientId: null,
    });
    const { works, settled } = triage(
      [good, bad],
      [wholePatient, subject({ consentPatientId: OTHER_PATIENT })],
    );
    expect(works.map((work) => work.arrived)).toEqual([[good]]);
    expect([...settled.keys()]).toEqual(['b']);
  });
});
