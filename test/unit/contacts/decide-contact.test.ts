import { describe, expect, test } from 'vitest';
import {
  type ContactRead,
  decideContact,
  type MatchedPatient,
  type Patient,
  type StoredContact,
} from '../../../shared/contacts/decide-contact.ts';
import type { ConsentFields, ShownConsentFields } from '../../../shared/consent/consent-fields.ts';
import type { ContactEvent } from '../../../shared/queue/contact-event.ts';

const profile = { firstName: 'Ada', lastName: 'Fictitious', email: 'a@example.test', phone: null };
const patient: Patient = { id: 'p1', ...profile };
const found = (overrides: Partial<typeof profile> = {}, version = '7'): ContactRead => ({
  kind: 'found',
  version,
  profile: { ...profile, ...overrides },
  mergedInto: null,
  consent: null,
});
const deleted: ContactRead = { kind: 'deleted' };
const unreadable = (retryAfterSeconds?: number): ContactRead => ({
  kind: 'unreadable',
  reason: 'DataverseUnavailable',
  retryAfterSeconds,
});
const stored = (overrides: Partial<StoredContact> = {}): StoredContact => ({
  revision: '3',
  version: '7',
  seen: profile,
  pushed: [],
  written: null,
  leased: false,
  mergedInto: null,
  deleted: false,
  readDue: false,
  attempts: 0,
  linked: true,
  erased: false,
  patient,
  formerPatientId: null,
  ...overrides,
});
const tombstone = (overrides: Partial<StoredContact> = {}) =>
  stored({ deleted: true, linked: false, ...overrides });
const decide = (
  read: ContactRead,
  row?: StoredContact,
  options: { match?: MatchedPatient; event?: ContactEvent['type'] } = {},
) =>
  decideContact(
    { stored: row, read, match: options.match, newPatientId: 'new' },
    options.event ?? 'contact.updated',
  );

describe('a contact that exists', () => {
  test('and was never seen becomes a patient', () => {
    expect(decide(found())).toEqual({
      outcome: 'applied',
      action: 'patient_created',
      patientId: 'new',
      changedFields: ['firstName', 'lastName', 'email'],
      conflicts: [],
      driftedFields: [],
      row: {
        kind: 'apply',
        version: '7',
        seen: profile,
        deleted: false,
        mergedInto: null,
        patientId: 'new',
        formerPatientId: null,
        writeDue: true,
        raisesRevision: true,
      },
      patient: { id: 'new', created: true, fields: profile, link: 'set' },
    });
  });

  test('and fits an unlinked patient is linked to it, and the patient learns what differs', () => {
    const match = { ...patient, phone: '1', email: 'A@example.test' };
    expect(decide(found(), undefined, { match })).toMatchObject({
      outcome: 'applied',
      action: 'patient_linked',
      changedFields: ['email'],
      conflicts: [],
      row: { patientId: 'p1', writeDue: true, raisesRevision: true },
      patient: { id: 'p1', created: false, fields: { email: 'a@example.test' }, link: 'set' },
    });
  });

  test('and has not changed changes nothing', () => {
    expect(decide(found(), stored())).toEqual({
      outcome: 'unchanged',
      action: 'patient_updated',
      patientId: 'p1',
      changedFields: [],
      conflicts: [],
      driftedFields: [],
      row: { kind: 'none' },
      patient: null,
    });
  });

  test('and has only a newer version is noted without raising the revision', () => {
    expect(decide(found({}, '8'), stored())).toMatchObject({
      outcome: 'unchanged',
      row: { kind: 'apply', version: '8', raisesRevision: false, writeDue: false },
      patient: null,
    });
  });

  const written: ConsentFields = {
    marketingEmail: true,
    marketingSms: false,
    marketingPhone: false,
    marketingMail: false,
    consentDate: '2026-11-22T10:00:00Z',
    consentExpires: null,
    consentStatus: 'Active',
  };
  const shows = (consent: Partial<ShownConsentFields> | null): ContactRead => ({
    kind: 'found',
    version: '7',
    profile,
    mergedInto: null,
    consent: consent && { ...written, ...consent },
  });

  test.for([
    ['an edited channel', shows({ marketingEmail: false }), ['marketingEmail']],
    ['a cleared channel', shows({ marketingSms: null }), ['marketingSms']],
    ['an option that is none of ours', shows({ consentStatus: null }), ['consentStatus']],
    [
      'other dates',
      shows({ consentDate: null, consentExpires: written.consentDate }),
      ['consentDate', 'consentExpires'],
    ],
  ] as const)('and shows %s is written again', ([, read, fields]) => {
    expect(decide(read, stored({ written }))).toMatchObject({
      outcome: 'applied',
      driftedFields: fields,
      row: { kind: 'apply', writeDue: true, raisesRevision: true, driftedFrom: written },
      patient: null,
    });
  });

  test.for([
    ['what was written', shows({}), stored({ written })],
    ['anything, and what was written is not known', shows({ marketingSms: true }), stored()],
    ['no consent fields, because they were not read', shows(null), stored({ written })],
    ['no consent fields while it is written', shows(null), stored({ leased: true })],
  ] as const)('and shows %s is left alone', ([, read, row]) => {
    expect(decide(read, row)).toMatchObject({ driftedFields: [], row: { kind: 'none' } });
  });

  test('and is being written is read again when that is over', () => {
    expect(decide(shows({}), stored({ leased: true }))).toMatchObject({
      outcome: 'unchanged',
      row: { kind: 'apply', writeDue: false, raisesRevision: true, readDueSeconds: 5 },
    });
  });

  test('and was due has its clock cleared', () => {
    expect(decide(found(), stored({ readDue: true }))).toMatchObject({
      outcome: 'unchanged',
      row: { kind: 'apply', raisesRevision: false },
    });
  });

  test('and was changed in Dynamics changes the patient', () => {
    expect(decide(found({ email: 'b@example.test' }, '8'), stored())).toMatchObject({
      outcome: 'applied',
      action: 'patient_updated',
      changedFields: ['email'],
      row: { version: '8', raisesRevision: true, writeDue: false },
      patient: { id: 'p1', created: false, fields: { email: 'b@example.test' } },
    });
  });

  test('and was changed in ConsentHub is left alone and has to be written', () => {
    const row = stored({ patient: { ...patient, email: 'host@example.test' }, version: '6' });
    expect(decide(found(), row)).toMatchObject({
      outcome: 'unchanged',
      row: { kind: 'apply', writeDue: true },
      patient: null,
    });
  });

  test('and was changed on both sides says what Dynamics says, and that there was a conflict', () => {
    const row = stored({ patient: { ...patient, email: 'host@example.test' } });
    expect(decide(found({ email: 'b@example.test' }, '8'), row)).toMatchObject({
      outcome: 'applied',
      conflicts: ['email'],
      patient: { fields: { email: 'b@example.test' } },
    });
  });

  test('and shows what we have written ourselves was not changed in Dynamics', () => {
    const row = stored({
      patient: { ...patient, email: 'second@example.test' },
      pushed: [{ email: 'first@example.test' }],
    });
    expect(decide(found({ email: 'first@example.test' }, '8'), row)).toMatchObject({
      outcome: 'unchanged',
      conflicts: [],
      row: { kind: 'apply', seen: { email: 'first@example.test' }, writeDue: true },
      patient: null,
    });
    expect(decide(found({ email: 'b@example.test' }, '8'), row)).toMatchObject({
      outcome: 'applied',
      conflicts: ['email'],
      patient: { fields: { email: 'b@example.test' } },
    });
    expect(
      decide(found({ firstName: 'first@example.test' }, '8'), row),
      'another field',
    ).toMatchObject({ patient: { fields: { firstName: 'first@example.test' } } });
  });

  test('and was restored is linked to its patient again', () => {
    expect(decide(found({}, '9'), tombstone())).toMatchObject({
      outcome: 'restored',
      action: 'patient_linked',
      patientId: 'p1',
      row: { deleted: false, patientId: 'p1', formerPatientId: null, writeDue: true },
      patient: { id: 'p1', created: false, fields: {}, link: 'set' },
    });
  });

  test('and was restored after its patient was gone gets a new one', () => {
    expect(decide(found({}, '9'), tombstone({ patient: null }))).toMatchObject({
      outcome: 'restored',
      action: 'patient_created',
      patientId: 'new',
    });
  });

  test('and was only known as due becomes a patient', () => {
    const row = stored({ version: null, seen: null, linked: false, patient: null, readDue: true });
    expect(decide(found(), row)).toMatchObject({ outcome: 'applied', action: 'patient_created' });
  });

  test('of a patient that ConsentHub erased is nobody, until somebody says otherwise', () => {
    const row = stored({ erased: true, linked: false, patient: null, seen: null });
    expect(decide(found({}, '9'), row)).toMatchObject({
      outcome: 'skipped',
      patientId: null,
      row: { kind: 'apply', version: '9', seen: null, patientId: null, raisesRevision: false },
      patient: null,
    });
    expect(decide(found(), row)).toMatchObject({ outcome: 'skipped', row: { kind: 'none' } });
    expect(decide(found({}, '9'), { ...row, readDue: true })).toMatchObject({
      outcome: 'skipped',
      row: { kind: 'apply', seen: null, patientId: null, raisesRevision: false },
    });
  });

  test('with a lower version, after a backup was restored, is what the newest read shows', {
    tags: ['fault-35'],
  }, () => {
    const read = found({ email: 'b@example.test' }, '2');
    expect(decide(read, stored())).toMatchObject({ outcome: 'applied', row: { version: '2' } });
  });
});

describe('a contact that is proven to be deleted', () => {
  test('is unlinked and remembers its patient', () => {
    expect(decide(deleted, stored(), { event: 'contact.deleted' })).toMatchObject({
      outcome: 'unlinked',
      action: 'patient_unlinked',
      patientId: 'p1',
      row: {
        kind: 'apply',
        deleted: true,
        mergedInto: null,
        patientId: null,
        formerPatientId: 'p1',
        version: '7',
        seen: profile,
        raisesRevision: true,
      },
      patient: { id: 'p1', created: false, fields: {}, link: 'cleared' },
    });
  });

  test.each([
    ['contact.updated', 'superseded'],
    ['contact.created', 'superseded'],
    ['contact.deleted', 'unchanged'],
  ] as const)('stays so when %s comes late: %s', (event, outcome) => {
    expect(decide(deleted, tombstone(), { event })).toMatchObject({
      outcome,
      patientId: null,
      row: { kind: 'apply', deleted: true, patientId: null, raisesRevision: true },
      patient: null,
    });
  });

  test('before anything else was known leaves a tombstone and no patient', () => {
    expect(decide(deleted, undefined, { event: 'contact.created' })).toMatchObject({
      outcome: 'superseded',
      row: { kind: 'apply', deleted: true, patientId: null, version: null, seen: null },
      patient: null,
    });
  });

  test('and was due has its clock cleared', () => {
    expect(decide(deleted, tombstone({ readDue: true }))).toMatchObject({
      row: { kind: 'apply', deleted: true, raisesRevision: true },
    });
  });
});

describe('a contact that cannot be read', () => {
  test.each([
    ['the first time', undefined, undefined, 1],
    ['after some tries', stored({ attempts: 4 }), undefined, 16],
    ['for long', stored({ attempts: 20 }), undefined, 60],
    ['for more than an hour', stored({ attempts: 90 }), undefined, 300],
    ['as Dataverse asks for patience', stored(), 1800, 1800],
  ])('%s is due later', (_, row, retryAfter, readDueSeconds) => {
    expect(decide(unreadable(retryAfter), row)).toMatchObject({
      outcome: 'unreadable',
      row: { kind: 'due', readDueSeconds },
      patient: null,
    });
  });
});

describe('a merged contact', () => {
  const merged: ContactRead = {
    kind: 'found',
    version: '8',
    profile,
    mergedInto: 'master',
    consent: null,
  };
  const former = stored({
    linked: false,
    patient: null,
    formerPatientId: 'p1',
    mergedInto: 'master',
  });

  test('without a patient is made none', () => {
    expect(decide(merged)).toMatchObject({
      outcome: 'unchanged',
      patientId: null,
      patient: null,
      row: { kind: 'apply', version: '8', seen: null, mergedInto: 'master', patientId: null },
    });
  });

  test('keeps who was linked to it, read or deleted', () => {
    expect(decide(merged, former)).toMatchObject({
      row: { formerPatientId: 'p1', raisesRevision: false },
      patient: null,
    });
    expect(decide(deleted, former)).toMatchObject({ row: { formerPatientId: 'p1' } });
    expect(decide(merged, { ...former, version: '8' })).toMatchObject({ row: { kind: 'none' } });
  });

  test('leaves its patient to the master', () => {
    const movesFrom = { contactId: 'merged', revision: '5' };
    expect(decide(found(), undefined, { match: { ...patient, movesFrom } })).toMatchObject({
      action: 'patient_linked',
      row: { patientId: 'p1', movesFrom, writeDue: true },
      patient: { id: 'p1', created: false, link: 'set' },
    });
  });
});
