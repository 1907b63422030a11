import * as z from 'zod';
import type { AuditRow } from '../audit/audit-row.ts';
import insertAuditRows from '../audit/insert-audit-rows.sql';
import { profileColumn, pushedColumn, rowKey } from '../contacts/contact-store.ts';
import type { Patient, StoredContact } from '../contacts/decide-contact.ts';
import type { Database } from '../database/database.ts';
import { MARK_OWN_WRITE } from '../database/own-write.ts';
import claimContacts from './claim-contacts.sql';
import type { ConsentFields } from './consent-fields.ts';
import { consentFieldsColumn } from './consent-fields-column.ts';
import type { ConsentRow } from './derive-contact-fields.ts';
import findConsentEvents from './find-consent-events.sql';
import readClaimedContacts from './read-claimed-contacts.sql';
import releaseContact from './release-contact.sql';
import settleContact from './settle-contact.sql';

/** What an event names. */
export interface ConsentSubject {
  readonly organizationId: string;
  readonly patientId: string;
  readonly consentId: string | null;
}

/** What the database knows of it; null where a row does not exist. */
export interface FoundSubject extends ConsentSubject {
  readonly patientOrganizationId: string | null;
  readonly consentOrganizationId: string | null;
  readonly consentPatientId: string | null;
  /** The linked contact, or one that it was merged into. */
  readonly contactId: string | null;
  readonly dataverseOrganizationId: string | null;
}

/** One contact in the hands of one writer. */
export interface Lease {
  readonly organizationId: string;
  readonly contactId: string;
  readonly token: string;
  /** `doubt_until` as it stood before the first claim under this lease; undefined before that. */
  readonly doubtBefore?: string | null;
}

export interface Claim {
  readonly lease: Lease;
  readonly stored: StoredContact;
  readonly patient: Patient;
  readonly consents: readonly ConsentRow[];
  /** The consents of each other patient whose contact was merged into this one. */
  readonly mergedConsents: readonly (readonly ConsentRow[])[];
  /** What the row says Dynamics has; null if that is not known, or an older write may still land. */
  readonly written: ConsentFields | null;
  /** The database's clock. */
  readonly now: Date;
}

export interface Settling {
  readonly lease: Lease;
  /** As read by the claim; newer if an apply under the lease has raised it. */
  readonly revision: string;
  readonly written: ConsentFields;
  /** Profile fields as Dynamics has them now; null if none were written. */
  readonly seen: StoredContact['seen'];
  /** What was pushed before has been looked for in Dynamics: without a doubt it counts no longer. */
  readonly forgetsPushed: boolean;
  /** When time alone will change the fields. */
  readonly nextDueAt: Date | null;
}

export type SettledState = 'settled' | 'moved' | 'overtaken';

export interface Releasing {
  readonly lease: Lease;
  /** A write may have been applied, or may still be: the doubt stays. */
  readonly unknown: boolean;
  /** What the row says was written is not what Dynamics has: a write was made and not settled. */
  readonly forget: boolean;
  /** Dynamics will not take it as it is: the consents are marked `failed`. */
  readonly refused: boolean;
  readonly failed: boolean;
  readonly dueSeconds: number;
}

/** The outbound side of the rows. All methods throw as `Database` does. */
export interface ConsentStore {
  /** One for each contact that shows the subject; one without a contact where there is none. */
  find(subjects: readonly ConsentSubject[]): Promise<readonly FoundSubject[]>;
  /** Takes leases, or goes on under one's own; contacts that somebody else holds are left out. */
  claim(leases: readonly Lease[]): Promise<readonly Claim[]>;
  settle(settling: Settling, audit: readonly AuditRow[]): Promise<SettledState>;
  release(releasing: Releasing, audit: readonly AuditRow[]): Promise<void>;
  audit(organizationId: string, rows: readonly AuditRow[]): Promise<void>;
}

const text = z.string().nullable();
const time = z.coerce.date();
const subjectRow = z.object({
  organization_id: z.string(),
  patient_id: z.string(),
  consent_id: text,
  patient_organization_id: text,
  consent_organization_id: text,
  consent_patient_id: text,
  contact_id: text,
  dataverse_organization_id: text,
});
const claimedRow = z.object({
  organization_id: z.string(),
  contact_id: z.string(),
  doubt_before: time.nullable(),
});
/** What `dynamics_consents` makes of the consents of a patient. */
export const consentRows = z.array(
  z.object({
    id: z.string(),
    consentType: z.string(),
    status: z.string(),
    grantedAt: time.nullable(),
    expiresAt: time.nullable(),
    revokedAt: time.nullable(),
    createdAt: time.nullable(),
  }),
);
const stateRow = z.object({
  organization_id: z.string(),
  contact_id: z.string(),
  revision: z.string(),
  version: text,
  seen: profileColumn.nullable(),
  pushed: pushedColumn,
  written: consentFieldsColumn,
  read_due: z.boolean(),
  attempts: z.number(),
  patient_id: z.string(),
  first_name: text,
  last_name: text,
  email: text,
  phone: text,
  now: time,
  merged_into: text,
  consents: consentRows,
  merged_consents: z.array(consentRows),
});
const settledRow = z.object({ state: z.enum(['settled', 'moved', 'overtaken']) });

export function createConsentStore(database: Database): ConsentStore {
  const auditStatement = (organizationId: string, rows: readonly AuditRow[]) => ({
    text: insertAuditRows,
    params: [JSON.stringify(rows.map((row) => ({ ...row, organization_id: organizationId })))],
  });

  return {
    async find(subjects) {
      const input = subjects.map((subject) => ({
        organization_id: subject.organizationId,
        patient_id: subject.patientId,
        consent_id: subject.consentId,
      }));
      const rows = await database.query(findConsentEvents, [JSON.stringify(input)]);
      return rows.map((row) => {
        const found = subjectRow.parse(row);
        return {
          organizationId: found.organization_id,
          patientId: found.patient_id,
          consentId: found.consent_id,
          patientOrganizationId: found.patient_organization_id,
          consentOrganizationId: found.consent_organization_id,
          consentPatientId: found.consent_patient_id,
          contactId: found.contact_id,
          dataverseOrganizationId: found.dataverse_organization_id,
        };
      });
    },

    async claim(leases) {
      const input = JSON.stringify(
        leases.map(({ organizationId, contactId, token, doubtBefore }) => ({
          organization_id: organizationId,
          contact_id: contactId,
          token,
          again: doubtBefore !== undefined,
        })),
      );
      // Two statements: the second one needs a snapshot from after the locks of the first.
      const [claimed = [], states = []] = await database.transaction([
        { text: claimContacts, params: [input] },
        { text: readClaimedContacts, params: [input] },
      ]);
      const doubts = new Map(
        claimed.map((row) => {
          const claim = claimedRow.parse(row);
          return [keyOf(claim), claim.doubt_before];
        }),
      );
      return states.flatMap((row) => {
        const state = stateRow.parse(row);
        const lease = leases.find((one) => rowKey(one) === keyOf(state));
        const doubt = doubts.get(keyOf(state));
        if (lease === undefined || doubt === undefined) return [];
        return [toClaim(lease, doubt, state)];
      });
    },

    async settle({ lease, revision, written, seen, forgetsPushed, nextDueAt }, audit) {
      const input = JSON.stringify({
        ...leaseColumns(lease),
        revision,
        written,
        seen,
        forgets_pushed: forgetsPushed,
        next_due_at: nextDueAt,
      });
      const [, rows = []] = await database.transaction([
        MARK_OWN_WRITE,
        { text: settleContact, params: [input] },
        auditStatement(lease.organizationId, audit),
      ]);
      // The row is gone with its patient or organisation: as if somebody had overtaken us.
      return rows.length === 0 ? 'overtaken' : settledRow.parse(rows[0]).state;
    },

    async release({ lease, unknown, forget, refused, failed, dueSeconds }, audit) {
      const input = JSON.stringify({
        ...leaseColumns(lease),
        unknown,
        forget,
        refused,
        failed,
        due_seconds: dueSeconds,
      });
      await database.transaction([
        MARK_OWN_WRITE,
        { text: releaseContact, params: [input] },
        auditStatement(lease.organizationId, audit),
      ]);
    },

    async audit(organizationId, rows) {
      if (rows.length === 0) return;
      await database.transaction([auditStatement(organizationId, rows)]);
    },
  };
}

const keyOf = (row: { organization_id: string; contact_id: string }): string =>
  rowKey({ organizationId: row.organization_id, contactId: row.contact_id });

const leaseColumns = ({ organizationId, contactId, token, doubtBefore }: Lease) => ({
  organization_id: organizationId,
  contact_id: contactId,
  token,
  doubt_before: doubtBefore ?? null,
});

function toClaim(lease: Lease, doubt: Date | null, state: z.output<typeof stateRow>): Claim {
  const patient = {
    id: state.patient_id,
    firstName: state.first_name,
    lastName: state.last_name,
    email: state.email,
    phone: state.phone,
  };
  // Going on under one's own lease, the doubt in the row is our own.
  const doubtBefore =
    lease.doubtBefore === undefined ? (doubt?.toISOString() ?? null) : lease.doubtBefore;
  return {
    lease: { ...lease, doubtBefore },
    stored: {
      revision: state.revision,
      version: state.version,
      seen: state.seen,
      pushed: state.pushed ?? [],
      // Under a lease the writer alone knows.
      written: null,
      leased: false,
      mergedInto: state.merged_into,
      deleted: false,
      readDue: state.read_due,
      attempts: state.attempts,
      linked: true,
      erased: false,
      patient,
      formerPatientId: null,
    },
    patient,
    consents: state.consents,
    mergedConsents: state.merged_consents,
    written: doubtBefore === null ? state.written : null,
    now: state.now,
  };
}
