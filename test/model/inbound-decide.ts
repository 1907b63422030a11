import {
  type ContactDecision,
  decideContact,
  type StoredContact,
} from '../../shared/contacts/decide-contact.ts';
import type { Profile } from '../../shared/contacts/profile.ts';
import type { InboundGuard } from './inbound-guards.ts';
import type { Contact, Row, Stored, Value, Worker } from './inbound-state.ts';

/**
 * Decides as the project does, by its own `decideContact`. A guard that is missing changes what it is
 * told; the two guards that it would have to have itself are here, in `knownDeletion` and `erased`.
 */
export function createDecide(guarded: (guard: InboundGuard) => boolean) {
  return decide;

  function decide({ row, patient }: Stored, read: Worker['read']): ContactDecision {
    const stored: StoredContact | undefined = row
      ? {
          revision: String(row.revision),
          version: row.version === null ? null : String(row.version),
          seen: guarded('mergeHasBase') ? profile(row.seen) : null,
          pushed: row.pushed.map((value) => ({ email: email(value) })),
          // The consent fields are the business of the other model.
          written: null,
          leased: false,
          mergedInto: null,
          deleted: row.deleted,
          readDue: row.readDue,
          attempts: 0,
          linked: row.linked,
          erased: row.erased,
          formerPatientId: null,
          patient:
            patient === null ? null : { id: 'the patient', ...NOBODY, email: email(patient) },
        }
      : undefined;
    const decision = decideContact(
      { stored, read: toContactRead(read), match: undefined, newPatientId: 'a new patient' },
      'contact.updated',
    );
    if (row === null || !isContact(read)) return decision;
    if (!read.alive && row.deleted) return { ...decision, row: knownDeletion(row) };
    if (read.alive && row.erased && !row.linked) return { ...decision, row: erased(row, read) };
    return decision;
  }

  function knownDeletion(row: Row): ContactDecision['row'] {
    if (!row.readDue && !guarded('deletionRaisesRevision')) return { kind: 'none' };
    return {
      ...UNLINKED,
      version: row.version === null ? null : String(row.version),
      seen: profile(row.seen),
      deleted: true,
      formerPatientId: row.former ? 'the patient' : null,
      raisesRevision: guarded('deletionRaisesRevision'),
    };
  }

  function erased(row: Row, { version }: Contact): ContactDecision['row'] {
    const keeps = guarded('erasedRowKeepsVersion');
    const newer = keeps && row.version !== version;
    if (!newer && !row.readDue && !row.deleted) return { kind: 'none' };
    return { ...UNLINKED, version: keeps ? String(version) : null, raisesRevision: row.deleted };
  }

  function toContactRead(read: Worker['read']) {
    if (isContact(read)) {
      const { alive, version, value } = read;
      return alive
        ? ({
            kind: 'found',
            version: String(version),
            profile: { ...NOBODY, email: email(value) },
            mergedInto: null,
            consent: null,
          } as const)
        : ({ kind: 'deleted' } as const);
    }
    return read === 'notFound' && !guarded('deletionNeedsProof')
      ? ({ kind: 'deleted' } as const)
      : ({ kind: 'unreadable', reason: 'unreadable', retryAfterSeconds: undefined } as const);
  }
}

const UNLINKED = {
  kind: 'apply',
  version: null,
  seen: null,
  deleted: false,
  mergedInto: null,
  patientId: null,
  formerPatientId: null,
  writeDue: false,
  raisesRevision: true,
} as const;

const NOBODY: Profile = { firstName: null, lastName: null, email: null, phone: null };
const EMAILS = ['a@example.test', 'b@example.test', 'c@example.test'] as const;
export const email = (value: Value | null) => (value === null ? null : EMAILS[value]);
const profile = (value: Value | null) =>
  value === null ? null : { ...NOBODY, email: EMAILS[value] };

export function valueOf(seen: { readonly email: string | null } | null): Value | null {
  const index = EMAILS.findIndex((one) => one === seen?.email);
  return index < 0 ? null : (index as Value);
}

export const isContact = (read: Worker['read']): read is Contact =>
  read !== null && typeof read === 'object';
