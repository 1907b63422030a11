import {
  CONSENT_STATUSES,
  type ConsentFields,
  type ConsentStatus,
} from '../consent/consent-fields.ts';

/** A custom column of the contact, as an administrator of Dynamics sees it. */
export type ContactField = {
  /** Name in the Web API, with the publisher's prefix. */
  readonly logicalName: string;
  readonly displayName: string;
  readonly description: string;
} & (
  | { readonly type: 'boolean' }
  /** `DateAndTime`: a moment, not a day; Dataverse keeps whole seconds. */
  | { readonly type: 'date-and-time' }
  /** Its values differ from tenant to tenant: only the labels are the same everywhere. */
  | { readonly type: 'option-set'; readonly options: readonly ConsentStatus[] }
);

/**
 * The custom columns of a contact that carry its consents: what is written, what an organisation must
 * have, and what the documents list.
 */
export const CONTACT_FIELDS = {
  marketingEmail: {
    logicalName: 'ch_marketing_email',
    type: 'boolean',
    displayName: 'Marketing by email',
    description: 'Whether this person agrees to marketing by email now. Written by ConsentHub.',
  },
  marketingSms: {
    logicalName: 'ch_marketing_sms',
    type: 'boolean',
    displayName: 'Marketing by SMS',
    description: 'Whether this person agrees to marketing by SMS now. Written by ConsentHub.',
  },
  marketingPhone: {
    logicalName: 'ch_marketing_phone',
    type: 'boolean',
    displayName: 'Marketing by phone',
    description: 'Whether this person agrees to marketing by phone now. Written by ConsentHub.',
  },
  marketingMail: {
    logicalName: 'ch_marketing_mail',
    type: 'boolean',
    displayName: 'Marketing by mail',
    description: 'Whether this person agrees to marketing by post now. Written by ConsentHub.',
  },
  consentDate: {
    logicalName: 'ch_consent_date',
    type: 'date-and-time',
    displayName: 'Consent given',
    description:
      'The latest time at which a consent that is in force was given. Empty if none is. ' +
      'Written by ConsentHub.',
  },
  consentExpires: {
    logicalName: 'ch_consent_expires',
    type: 'date-and-time',
    displayName: 'Consent expires',
    description:
      'The earliest time at which a consent that is in force ends. Empty if none ends. ' +
      'Written by ConsentHub.',
  },
  consentStatus: {
    logicalName: 'ch_consent_status',
    type: 'option-set',
    displayName: 'Consent status',
    description:
      'Active: every channel that was ever decided is on. Partial: some are. Expired: none is, at ' +
      'least one because its time is over. None: nothing was decided, or all is revoked. ' +
      'Written by ConsentHub.',
    options: CONSENT_STATUSES,
  },
  lastSync: {
    logicalName: 'ch_last_sync',
    type: 'date-and-time',
    displayName: 'Last consent sync',
    description: 'When ConsentHub last wrote the consents of this contact.',
  },
} as const satisfies Readonly<Record<keyof ConsentFields | 'lastSync', ContactField>>;
