/** What a contact's consent comes to: the labels of the option set `ch_consent_status`. */
export const CONSENT_STATUSES = ['Active', 'Partial', 'Expired', 'None'] as const;

export type ConsentStatus = (typeof CONSENT_STATUSES)[number];

/**
 * What a contact in Dynamics shows of a patient's consents. Dates are ISO 8601 in UTC with whole
 * seconds (`2026-11-22T10:00:00Z`), as Dataverse gives them back, so that equal fields are equal
 * texts. Safe to keep as JSON.
 */
export interface ConsentFields {
  readonly marketingEmail: boolean;
  readonly marketingSms: boolean;
  readonly marketingPhone: boolean;
  readonly marketingMail: boolean;
  /** Latest grant among the channels that are on. */
  readonly consentDate: string | null;
  /** Earliest expiry among the channels that are on. */
  readonly consentExpires: string | null;
  readonly consentStatus: ConsentStatus;
}

/** Dataverse's range of `DateAndTime`; a consent "for ever" may well end on December 31st, 9999. */
const EARLIEST_MS = Date.UTC(1753, 0, 1);
const LATEST_MS = Date.UTC(9999, 11, 30, 23, 59, 59);

/** A time as it stands in `ConsentFields`: cut to whole seconds, and moved into Dataverse's range. */
export function consentFieldTime(time: Date): string {
  const ms = Math.min(Math.max(time.getTime(), EARLIEST_MS), LATEST_MS);
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/**
 * The same fields as a contact shows them, whoever wrote them. Null also where an organisation's contact
 * is older than a column, or where the status is an option that is none of ours.
 */
export type ShownConsentFields = {
  readonly [Field in keyof ConsentFields]: ConsentFields[Field] | null;
};

const CONSENT_FIELDS = [
  'marketingEmail',
  'marketingSms',
  'marketingPhone',
  'marketingMail',
  'consentDate',
  'consentExpires',
  'consentStatus',
] as const satisfies readonly (keyof ConsentFields)[];

/** The fields that show something else than was written: somebody has edited them in Dynamics. */
export function driftedFields(
  written: ConsentFields,
  shown: ShownConsentFields,
): readonly (keyof ConsentFields)[] {
  return CONSENT_FIELDS.filter((field) => written[field] !== shown[field]);
}

/** Do both show the same? */
export function sameConsentFields(a: ConsentFields, b: ConsentFields): boolean {
  return driftedFields(a, b).length === 0;
}
