import { describe, expect, test } from 'vitest';
import type { ConsentFields } from '../../../shared/consent/consent-fields.ts';
import type { Profile } from '../../../shared/contacts/profile.ts';
import {
  type ComparedContact,
  type ComparedPatient,
  type ComparedRow,
  compareContact,
} from '../../../shared/verify/compare-contact.ts';

const CONTACT_ID = 'c0000000-0000-4000-8000-000000000001';
const MASTER_ID = 'c0000000-0000-4000-8000-000000000002';
const PROFILE: Profile = {
  firstName: 'Lin',
  lastName: 'Fictitious',
  email: 'lin@example.test',
  phone: null,
};
const CONSENT: ConsentFields = {
  marketingEmail: true,
  marketingSms: false,
  marketingPhone: false,
  marketingMail: false,
  consentDate: '2026-11-22T10:00:00Z',
  consentExpires: null,
  consentStatus: 'Active',
};
const PATIENT: ComparedPatient = {
  ...PROFILE,
  id: 'a0000000-0000-4000-8000-000000000001',
  notedContactId: CONTACT_ID,
  consent: CONSENT,
  unmarked: false,
};
const ROW: ComparedRow = {
  contactId: CONTACT_ID,
  revision: '3',
  version: '1000',
  deleted: false,
  erased: false,
  mergedInto: null,
  seen: PROFILE,
  inProgress: false,
  attempts: 0,
  patient: PATIENT,
};
const FOUND = { kind: 'found', profile: PROFILE, mergedInto: null, consent: CONSENT } as const;
const ABSENT = { kind: 'absent' } as const;

const patient = (changes: Partial<ComparedPatient>): ComparedRow => ({
  ...ROW,
  patient: { ...PATIENT, ...changes },
});
const profile = (changes: Partial<Profile>): ComparedContact => ({
  ...FOUND,
  profile: { ...PROFILE, ...changes },
});
const nobodys: ComparedRow = { ...ROW, patient: null };
const tombstone: ComparedRow = { ...nobodys, deleted: true };

describe('they agree', () => {
  test.each<[string, ComparedRow | undefined, ComparedContact]>([
    ['everything is the same', ROW, FOUND],
    ['an empty text and none', patient({ phone: '' }), FOUND],
    ['deleted on both sides', tombstone, ABSENT],
    ['deleted, and never known', undefined, ABSENT],
    ['the patient was erased', { ...nobodys, erased: true }, FOUND],
    [
      'merged, and its patient is the master’s by now',
      { ...nobodys, mergedInto: MASTER_ID },
      { ...FOUND, mergedInto: MASTER_ID },
    ],
    ['a version of which nothing else is different', { ...ROW, version: '999' }, FOUND],
  ])('%s', (_what, row, contact) => {
    expect(compareContact(row, contact)).toEqual([]);
  });
});

describe('they differ', () => {
  test.each<[string, ComparedRow | undefined, ComparedContact, string, string[], string]>([
    ['never heard of', undefined, FOUND, 'contact-unknown', [], 'read'],
    ['deleted here, restored there', tombstone, FOUND, 'contact-restored', [], 'read'],
    ['gone there', ROW, ABSENT, 'contact-gone', [], 'read'],
    ['gone there, and still linked', { ...ROW, deleted: true }, ABSENT, 'contact-gone', [], 'read'],
    ['known, and nobody’s', nobodys, FOUND, 'patient-missing', [], 'read'],
    [
      'the patient names none',
      patient({ notedContactId: null }),
      FOUND,
      'patient-link',
      [],
      'link',
    ],
    [
      'the patient names another contact',
      patient({ notedContactId: MASTER_ID }),
      FOUND,
      'patient-link',
      [],
      'link',
    ],
    [
      'Dynamics has changed a name',
      ROW,
      profile({ firstName: 'Li', phone: '1' }),
      'profile',
      ['firstName', 'phone'],
      'read',
    ],
    [
      'ConsentHub has changed one',
      patient({ email: 'new@example.test' }),
      FOUND,
      'profile',
      ['email'],
      'write',
    ],
    [
      'both have',
      patient({ email: 'new@example.test' }),
      profile({ lastName: 'Made' }),
      'profile',
      ['lastName', 'email'],
      'read',
    ],
    [
      'nothing was seen before',
      { ...patient({ email: null }), seen: null },
      FOUND,
      'profile',
      ['email'],
      'read',
    ],
    [
      'case and white space of a name',
      ROW,
      profile({ firstName: 'lin', lastName: 'Fictitious ' }),
      'profile',
      ['firstName', 'lastName'],
      'read',
    ],
    [
      'a consent, and the second at which it was given',
      ROW,
      {
        ...FOUND,
        consent: { ...CONSENT, marketingEmail: false, consentDate: '2026-11-22T10:00:01Z' },
      },
      'consents',
      ['marketingEmail', 'consentDate'],
      'write-anew',
    ],
    [
      'consents that were never written',
      patient({
        consent: { ...CONSENT, marketingEmail: false, consentDate: null, consentStatus: 'None' },
      }),
      {
        ...FOUND,
        consent: {
          marketingEmail: null,
          marketingSms: null,
          marketingPhone: null,
          marketingMail: null,
          consentDate: null,
          consentExpires: null,
          consentStatus: null,
        },
      },
      'consents',
      ['marketingEmail', 'marketingSms', 'marketingPhone', 'marketingMail', 'consentStatus'],
      'write-anew',
    ],
    ['shown, and not marked', patient({ unmarked: true }), FOUND, 'consent-unmarked', [], 'write'],
    ['merged there only', ROW, { ...FOUND, mergedInto: MASTER_ID }, 'merged-into', [], 'read'],
    ['merged here only', { ...ROW, mergedInto: MASTER_ID }, FOUND, 'merged-into', [], 'read'],
  ])('%s', (_what, row, contact, code, fields, repair) => {
    expect(compareContact(row, contact)).toEqual([{ code, fields, repair }]);
  });

  test('in several things at once, without a value of any', () => {
    const row = patient({ unmarked: true, notedContactId: null, firstName: 'Secret' });
    const contact = {
      ...FOUND,
      mergedInto: MASTER_ID,
      consent: { ...CONSENT, marketingSms: true },
    };
    const differences = compareContact(row, contact);
    expect(differences.map(({ code }) => code)).toEqual([
      'patient-link',
      'profile',
      'consents',
      'merged-into',
    ]);
    expect(JSON.stringify(differences)).not.toMatch(/Secret|Lin|example/);
  });
});
