import * as z from 'zod';
import {
  CONSENT_STATUSES,
  type ConsentFields,
  type ConsentStatus,
  consentFieldTime,
  driftedFields,
  type ShownConsentFields,
} from '../consent/consent-fields.ts';
import {
  CONTACT_SELECT,
  type ContactFields,
  contactRow,
  type DataverseContact,
} from './contact.ts';
import { CONTACT_FIELDS } from './fields.ts';

/** The values of the option set `ch_consent_status` in one organisation, by label. */
export type ConsentStatusOptions = Readonly<Record<ConsentStatus, number>>;

/**
 * The consent columns of a contact as they stand in Dynamics, whoever wrote them. Dates as in
 * `ConsentFields`. A contact that is older than a column has null in it, in a boolean one too.
 */
export interface ConsentFieldsRead {
  readonly marketingEmail: boolean | null;
  readonly marketingSms: boolean | null;
  readonly marketingPhone: boolean | null;
  readonly marketingMail: boolean | null;
  readonly consentDate: string | null;
  readonly consentExpires: string | null;
  /** The option's value; what it means, `ConsentStatusOptions` says. */
  readonly consentStatus: number | null;
}

export interface ContactWithConsent extends DataverseContact {
  readonly consentFields: ConsentFieldsRead;
}

/** The columns of a read that an organisation without the custom columns refuses (400). */
export const CONTACT_WITH_CONSENT_SELECT = [
  CONTACT_SELECT,
  ...Object.entries(CONTACT_FIELDS)
    .filter(([name]) => name !== 'lastSync')
    .map(([, { logicalName }]) => logicalName),
].join(',');

const yesOrNo = z.boolean().nullable();
const time = z.iso
  .datetime({ offset: true })
  .nullable()
  .transform((text) => text && consentFieldTime(new Date(text)));

const consentColumnsRead = z
  .object({
    [CONTACT_FIELDS.marketingEmail.logicalName]: yesOrNo,
    [CONTACT_FIELDS.marketingSms.logicalName]: yesOrNo,
    [CONTACT_FIELDS.marketingPhone.logicalName]: yesOrNo,
    [CONTACT_FIELDS.marketingMail.logicalName]: yesOrNo,
    [CONTACT_FIELDS.consentDate.logicalName]: time,
    [CONTACT_FIELDS.consentExpires.logicalName]: time,
    [CONTACT_FIELDS.consentStatus.logicalName]: z.int().nullable(),
  })
  .transform(
    (row): ConsentFieldsRead => ({
      marketingEmail: row.ch_marketing_email,
      marketingSms: row.ch_marketing_sms,
      marketingPhone: row.ch_marketing_phone,
      marketingMail: row.ch_marketing_mail,
      consentDate: row.ch_consent_date,
      consentExpires: row.ch_consent_expires,
      consentStatus: row.ch_consent_status,
    }),
  );

/** A row of `contacts`, read with `CONTACT_WITH_CONSENT_SELECT` and parsed by `parseJson`. */
export const contactWithConsentRow = z.unknown().transform((row, context): ContactWithConsent => {
  const contact = contactRow.safeParse(row);
  const consentFields = consentColumnsRead.safeParse(row);
  if (!contact.success || !consentFields.success) {
    context.addIssue({ code: 'custom', message: 'not a contact with its consent columns' });
    return z.NEVER;
  }
  return { ...contact.data, consentFields: consentFields.data };
});

/**
 * The body that writes a contact's consent columns, all of them: repeating it is harmless.
 *
 * @param lastSync when this is written
 */
export function consentColumns(
  fields: ConsentFields,
  optionValues: ConsentStatusOptions,
  lastSync: Date,
): ContactFields {
  return {
    [CONTACT_FIELDS.marketingEmail.logicalName]: fields.marketingEmail,
    [CONTACT_FIELDS.marketingSms.logicalName]: fields.marketingSms,
    [CONTACT_FIELDS.marketingPhone.logicalName]: fields.marketingPhone,
    [CONTACT_FIELDS.marketingMail.logicalName]: fields.marketingMail,
    [CONTACT_FIELDS.consentDate.logicalName]: fields.consentDate,
    [CONTACT_FIELDS.consentExpires.logicalName]: fields.consentExpires,
    [CONTACT_FIELDS.consentStatus.logicalName]: optionValues[fields.consentStatus],
    [CONTACT_FIELDS.lastSync.logicalName]: consentFieldTime(lastSync),
  };
}

/** The columns that were read, in the terms of `ConsentFields`. */
export function shownConsentFields(
  read: ConsentFieldsRead,
  optionValues: ConsentStatusOptions,
): ShownConsentFields {
  const status = CONSENT_STATUSES.find((label) => optionValues[label] === read.consentStatus);
  return { ...read, consentStatus: status ?? null };
}

/** Does the contact show these fields? If not, somebody else wrote to them, or we never did. */
export function showsConsentFields(
  read: ConsentFieldsRead,
  fields: ConsentFields,
  optionValues: ConsentStatusOptions,
): boolean {
  return driftedFields(fields, shownConsentFields(read, optionValues)).length === 0;
}
