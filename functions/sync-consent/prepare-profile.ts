import { type AuditRow, auditValues } from '../../shared/audit/audit-row.ts';
import type { Claim } from '../../shared/consent/consent-store.ts';
import { type ContactStore, rowKey } from '../../shared/contacts/contact-store.ts';
import {
  decideContact,
  READ_AGAIN_SECONDS,
  type RowChange,
  type StoredContact,
} from '../../shared/contacts/decide-contact.ts';
import {
  PROFILE_FIELDS,
  type Profile,
  type ProfileField,
  sameValue,
} from '../../shared/contacts/profile.ts';
import { DatabaseRejected } from '../../shared/database/database.ts';
import type { DataverseClient } from '../../shared/dataverse/client.ts';
import type { ContactFields } from '../../shared/dataverse/contact.ts';

export interface PrepareProfileDependencies {
  readonly contacts: Pick<ContactStore, 'apply'>;
  readonly dataverse: Pick<DataverseClient, 'getContact'>;
  readonly newId: () => string;
}

/** Name, email or phone as ConsentHub has them, to be written only over what was just read. */
export interface ProfilePush {
  readonly kind: 'push';
  readonly columns: ContactFields;
  readonly etag: string;
  /** The profile that Dynamics shows once the write is acknowledged. */
  readonly seen: Profile;
  /** The row as it is now: as claimed, or as the merge has left it. */
  readonly stored: StoredContact;
}

export type PreparedProfile =
  | ProfilePush
  /** Nothing to write. */
  | { readonly kind: 'none'; readonly stored: StoredContact }
  /** There is something to write, and it has to wait. */
  | { readonly kind: 'later'; readonly stored: StoredContact }
  /** The row changed while the contact was read and merged. */
  | { readonly kind: 'moved' }
  /** Proven: the contact is not there any more. */
  | { readonly kind: 'deleted' };

const COLUMNS: Readonly<Record<ProfileField, string>> = {
  firstName: 'firstname',
  lastName: 'lastname',
  email: 'emailaddress1',
  phone: 'telephone1',
};

/**
 * Where ConsentHub changed a name, email or phone, or a push of one is not settled: reads the contact,
 * merges (Dynamics wins where both changed a field, and the patient is corrected), and says what is
 * left to write. That is on record before it leaves: whoever finds it in Dynamics knows it for ours,
 * whether or not its answer arrives.
 */
export async function prepareProfile(
  { contacts, dataverse, newId }: PrepareProfileDependencies,
  { lease, stored, patient }: Claim,
  mayPush: boolean,
): Promise<PreparedProfile> {
  const { seen } = stored;
  if (seen === null) return { kind: 'none', stored };
  const settled = PROFILE_FIELDS.every((field) => sameValue(patient[field], seen[field]));
  if (settled && stored.pushed.length === 0) return { kind: 'none', stored };
  // Refused again and again because somebody edits the contact: the consents go first.
  if (!mayPush) return { kind: 'later', stored };

  const answer = await dataverse.getContact(lease.contactId);
  if (!answer.found) return { kind: 'deleted' };
  const { contact } = answer;
  const { version } = contact;
  const profile: Profile = {
    firstName: contact.firstName,
    lastName: contact.lastName,
    email: contact.email,
    phone: contact.phone,
  };
  const decision = decideContact(
    {
      stored,
      read: { kind: 'found', version, profile, mergedInto: contact.masterId, consent: null },
      match: undefined,
      newPatientId: newId(),
    },
    'contact.updated',
  );
  const merged: Profile = { ...patient, ...decision.patient?.fields };
  const ahead = PROFILE_FIELDS.filter((field) => !sameValue(merged[field], profile[field]));
  const push =
    ahead.length === 0
      ? undefined
      : Object.fromEntries(ahead.map((field) => [field, merged[field]]));
  let storedNow = stored;
  if (decision.row.kind === 'apply' || push !== undefined) {
    const row: RowChange = {
      ...(decision.row.kind === 'apply'
        ? decision.row
        : asItIs(version, profile, patient.id, stored.mergedInto)),
      ...(push && { push }),
      // Whoever asked for a read wants the consent fields compared, which is not done here.
      ...(stored.readDue && { readDueSeconds: READ_AGAIN_SECONDS }),
    };
    const audit: AuditRow[] = decision.patient
      ? [
          {
            id: newId(),
            patient_id: patient.id,
            event_id: null,
            action: decision.action,
            source: 'consenthub',
            outcome: decision.outcome,
            new_values: auditValues({
              contactId: lease.contactId,
              changedFields: decision.changedFields,
              conflicts: decision.conflicts,
            }),
          },
        ]
      : [];
    let applied: Awaited<ReturnType<typeof contacts.apply>>;
    try {
      applied = await contacts.apply([{ ...lease, stored, decision: { ...decision, row }, audit }]);
    } catch (error) {
      // Text that the database cannot store must not hold back what the person has consented to.
      if (error instanceof DatabaseRejected) return { kind: 'later', stored };
      throw error;
    }
    const revised = applied.get(rowKey(lease));
    if (revised === undefined) return { kind: 'moved' };
    storedNow = { ...stored, revision: revised ?? stored.revision, version, seen: profile };
  }
  if (push === undefined) return { kind: 'none', stored: storedNow };
  return {
    kind: 'push',
    columns: Object.fromEntries(ahead.map((field) => [COLUMNS[field], merged[field]])),
    etag: contact.etag,
    seen: { ...profile, ...push },
    stored: storedNow,
  };
}

/** A row that says what was read already: only what is pushed is added to it. */
function asItIs(
  version: string,
  seen: Profile,
  patientId: string,
  mergedInto: string | null,
): RowChange {
  return {
    kind: 'apply',
    version,
    seen,
    deleted: false,
    mergedInto,
    patientId,
    formerPatientId: null,
    writeDue: false,
    raisesRevision: false,
  };
}
