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

/** Do both show the same? */
export function sameConsentFields(a: ConsentFields, b: ConsentFields): boolean {
  return (
    a.marketingEmail === b.marketingEmail &&
    a.marketingSms === b.marketingSms &&
    a.marketingPhone === b.marketingPhone &&
    a.marketingMail === b.marketingMail &&
    a.consentDate === b.consentDate &&
    a.consentExpires === b.consentExpires &&
    a.consentStatus === b.consentStatus
  );
}
