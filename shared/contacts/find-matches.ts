import { DatabaseRejected } from '../database/database.ts';
import { type ContactStore, type LinkQuestion, rowKey } from './contact-store.ts';
import type { ContactRead, MatchedPatient, StoredContact } from './decide-contact.ts';
import { type Candidate, matchPatient, type UnlinkedContact } from './match-patient.ts';
import { matchKey } from './profile.ts';

interface ContactToMatch {
  readonly organizationId: string;
  readonly contactId: string;
  readonly stored: StoredContact | undefined;
  readonly read: ContactRead;
}

/**
 * Patients that contacts without one certainly are, by `rowKey`. Asks for all at once; where one
 * contact's text makes the database refuse, for each alone. Throws as `Database` does.
 */
export async function findMatches(
  store: Pick<ContactStore, 'findPatientsToLink'>,
  contacts: readonly ContactToMatch[],
): Promise<ReadonlyMap<string, MatchedPatient>> {
  const unlinked = contacts.flatMap(
    ({ read, stored, contactId, organizationId }): UnlinkedContact[] =>
      read.kind === 'found' && stored?.patient == null
        ? [
            {
              contactId,
              organizationId,
              key: matchKey(read.profile),
              merged: read.mergedInto !== null,
            },
          ]
        : [],
  );
  const candidates = await findCandidates(
    store,
    unlinked.map(({ organizationId, contactId, key }) => ({ organizationId, contactId, ...key })),
  );
  const reached = new Set(candidates.map(rowKey));
  return new Map(
    unlinked
      .filter((contact) => reached.has(rowKey(contact)))
      .flatMap((contact) => {
        const match = matchPatient(contact, candidates, unlinked);
        return match === undefined ? [] : [[rowKey(contact), match] as const];
      }),
  );
}

/**
 * Others of the batch were merged into this contact, and their rows do not say so yet. It is decided anew
 * when they do: where it has no patient it takes one of theirs.
 */
export function waitsForMerged(
  contact: ContactToMatch,
  batch: readonly Pick<ContactToMatch, 'organizationId' | 'stored' | 'read'>[],
): boolean {
  return (
    contact.read.kind === 'found' &&
    contact.stored?.patient == null &&
    batch.some(
      ({ organizationId, stored, read }) =>
        organizationId === contact.organizationId &&
        read.kind === 'found' &&
        read.mergedInto === contact.contactId &&
        stored?.mergedInto !== contact.contactId,
    )
  );
}

async function findCandidates(
  store: Pick<ContactStore, 'findPatientsToLink'>,
  questions: readonly LinkQuestion[],
): Promise<readonly Candidate[]> {
  try {
    return await store.findPatientsToLink(questions);
  } catch (error) {
    if (!(error instanceof DatabaseRejected)) throw error;
    if (questions.length <= 1) return [];
    // Without a match the writing of the contact will be refused as well, and says so.
    const middle = Math.ceil(questions.length / 2);
    return [
      ...(await findCandidates(store, questions.slice(0, middle))),
      ...(await findCandidates(store, questions.slice(middle))),
    ];
  }
}
