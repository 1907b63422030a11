import type { MatchedPatient } from './decide-contact.ts';
import type { MatchKey } from './profile.ts';

/** A contact that has no patient yet. */
export interface UnlinkedContact {
  readonly contactId: string;
  readonly organizationId: string;
  readonly key: MatchKey | undefined;
  /** It was merged into another contact itself. */
  readonly merged: boolean;
}

export interface Candidate {
  readonly organizationId: string;
  readonly contactId: string;
  readonly patient: MatchedPatient;
  /** ConsentHub itself had noted the contact's id with the patient. */
  readonly own: boolean;
  /** The patient of a contact that was merged into this one; of several the one that was known first. */
  readonly merged: boolean;
  /** Other contacts that are as much like the patient. */
  readonly rivals: number;
}

/**
 * Which patient a contact certainly is, if any. ConsentHub's own note of the contact's id decides,
 * then what was merged into the contact: the master of a merge takes over a patient, a merged contact does not;
 * else name and email must fit exactly one unlinked patient, and no other contact. In doubt a new
 * patient is made: two records of one person can be merged, one record of two persons is a lie.
 */
export function matchPatient(
  contact: UnlinkedContact,
  candidates: readonly Candidate[],
  batch: readonly UnlinkedContact[],
): MatchedPatient | undefined {
  const mine = candidates.filter((candidate) => sameContact(candidate, contact));
  const own = mine.filter((candidate) => candidate.own);
  if (own.length > 0) return own.length === 1 ? own[0]?.patient : undefined;
  const taken = mine.find((candidate) => candidate.merged);
  if (taken !== undefined && !contact.merged) return taken.patient;
  const [only, ...more] = mine.filter((candidate) => !candidate.merged);
  if (only === undefined || more.length > 0 || only.rivals > 0) return undefined;
  const rivalInBatch = batch.some(
    (other) => !sameContact(other, contact) && samePerson(other, contact),
  );
  return rivalInBatch ? undefined : only.patient;
}

const sameContact = (
  a: Pick<UnlinkedContact, 'organizationId' | 'contactId'>,
  b: Pick<UnlinkedContact, 'organizationId' | 'contactId'>,
): boolean => a.organizationId === b.organizationId && a.contactId === b.contactId;

const samePerson = (a: UnlinkedContact, b: UnlinkedContact): boolean =>
  a.organizationId === b.organizationId &&
  a.key?.email === b.key?.email &&
  a.key?.firstName === b.key?.firstName &&
  a.key?.lastName === b.key?.lastName;
