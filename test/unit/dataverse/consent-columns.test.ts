import { describe, expect, test } from 'vitest';
import type { ConsentFields } from '../../../shared/consent/consent-fields.ts';
import {
  CONTACT_WITH_CONSENT_SELECT,
  consentColumns,
  contactWithConsentRow,
  showsConsentFields,
} from '../../../shared/dataverse/consent-columns.ts';
import { CONTACT_SELECT } from '../../../shared/dataverse/contact.ts';
import { CONTACT_FIELDS } from '../../../shared/dataverse/fields.ts';

const OPTIONS = { Active: 101230000, Partial: 101230001, Expired: 101230002, None: 101230003 };

const FIELDS: ConsentFields = {
  marketingEmail: true,
  marketingSms: false,
  marketingPhone: true,
  marketingMail: false,
  consentDate: '2026-11-22T10:00:00Z',
  consentExpires: null,
  consentStatus: 'Partial',
};

const WRITTEN = {
  ch_marketing_email: true,
  ch_marketing_sms: false,
  ch_marketing_phone: true,
  ch_marketing_mail: false,
  ch_consent_date: '2026-11-22T10:00:00Z',
  ch_consent_expires: null,
  ch_consent_status: 101230001,
  ch_last_sync: '2026-11-22T12:00:01Z',
};

const CONTACT = {
  contactid: '0f8fad5b-d9cb-469f-a165-70867728950e',
  versionnumber: '9007199254740993',
  '@odata.etag': 'W/"9007199254740993"',
  firstname: 'Ada',
  lastname: null,
  emailaddress1: null,
  telephone1: null,
  statecode: 0,
  merged: false,
  _masterid_value: null,
};

describe('the consent columns', () => {
  test('are written all at once, with whole seconds', () => {
    const lastSync = new Date('2026-11-22T12:00:01.987Z');
    expect(consentColumns(FIELDS, OPTIONS, lastSync)).toEqual(WRITTEN);
    expect(Object.keys(WRITTEN)).toEqual(
      Object.values(CONTACT_FIELDS).map(({ logicalName }) => logicalName),
    );
  });

  test('are read besides what every read asks for', () => {
    expect(CONTACT_WITH_CONSENT_SELECT.split(',')).toEqual([
      ...CONTACT_SELECT.split(','),
      ...Object.keys(WRITTEN).filter((name) => name !== 'ch_last_sync'),
    ]);
  });

  test('come back as they were written', () => {
    const { consentFields } = contactWithConsentRow.parse({ ...CONTACT, ...WRITTEN });
    expect(consentFields).toEqual({ ...FIELDS, consentStatus: 101230001 });
    expect(showsConsentFields(consentFields, FIELDS, OPTIONS)).toBe(true);
  });

  test.each([
    { ch_marketing_email: false },
    { ch_marketing_mail: null },
    { ch_consent_date: '2026-11-22T10:00:01Z' },
    { ch_consent_expires: '2026-11-22T10:00:00Z' },
    { ch_consent_status: 101230000 },
    { ch_consent_status: null },
  ])('show it if somebody else wrote %j', (changes) => {
    const { consentFields } = contactWithConsentRow.parse({ ...CONTACT, ...WRITTEN, ...changes });
    expect(showsConsentFields(consentFields, FIELDS, OPTIONS)).toBe(false);
  });

  test('may show a time in another way', () => {
    const ch_consent_date = '2026-11-22T11:00:00.5+01:00';
    const { consentFields } = contactWithConsentRow.parse({
      ...CONTACT,
      ...WRITTEN,
      ch_consent_date,
    });
    expect(consentFields.consentDate).toBe(FIELDS.consentDate);
  });

  test.each([
    { ch_marketing_email: undefined },
    { ch_marketing_email: 'true' },
    { ch_consent_date: '2026-11-22' },
    { ch_consent_status: 'Active' },
    { firstname: undefined },
  ])('are no answer with %j', (changes) => {
    const row = { ...CONTACT, ...WRITTEN, ...changes };
    expect(contactWithConsentRow.safeParse(row).success).toBe(false);
  });
});
