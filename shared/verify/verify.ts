import type { ContactRead } from '../contacts/decide-contact.ts';
import type { ChangesPage, ListedContact } from '../dataverse/changes.ts';
import { type DataverseClient, MAX_CONTACTS_PER_READ } from '../dataverse/client.ts';
import { type ConsentStatusOptions, shownConsentFields } from '../dataverse/consent-columns.ts';
import { ConsentFieldsMissing, DataverseUnavailable } from '../dataverse/errors.ts';
import {
  type ComparedContact,
  type ComparedRow,
  compareContact,
  type Difference,
} from './compare-contact.ts';
import { createIdSet } from './id-set.ts';
import type { DifferingContact, RowCounts, VerifyStore } from './verify-store.ts';

/** Rows of one statement: a fraction of a second. */
const CHUNK = 500;

/**
 * Twice as long as a change needs from one side to the other when nothing is in its way. The database
 * counts a row as just changed for half of it (`read-rows.sql`).
 */
export const MOMENT_MS = 10_000;

/** So many contacts that did not agree are looked at together: a moment is waited for once. */
const LOOK_AGAIN_AT = 1_000;

/**
 * Of them so many that are in progress. After an import all are waiting for their first write, and a second
 * look would find them so.
 */
const MAX_MOVING_AGAIN = 500;

/** Tries in a row after which a contact in progress is called failing: some minutes of backoff. */
const FAILING_ATTEMPTS = 5;

/** A page that Dataverse does not give is asked for so often, so long after each failure. */
const PAGE_TRIES = 5;
const PAGE_RETRY_MS = 20_000;

export interface VerifyDependencies {
  readonly store: VerifyStore;
  readonly dataverse: Pick<DataverseClient, 'readChanges'>;
  /** Contacts as Dynamics shows them now; a deletion only where it is proven. Rejects only on a defect. */
  readonly readContacts: (
    contactIds: readonly string[],
  ) => Promise<ReadonlyMap<string, ContactRead>>;
  /** Of the consent status in this organisation. @throws DataverseError */
  readonly optionValues: () => Promise<ConsentStatusOptions>;
  /** Contacts of a page. */
  readonly pageSize: number;
  /** Resolves after so many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
}

export interface VerifyOptions {
  /** So many contacts that ConsentHub knows, picked by the seed; absent: all of both sides. */
  readonly sample?: { readonly size: number; readonly seed: string } | undefined;
  /** True: no more is begun. */
  readonly interrupted?: () => boolean;
  readonly onProgress?: (compared: number) => void;
}

export interface Verified {
  /** `interrupted`: what is below is true, and not all there is. */
  readonly outcome: 'finished' | 'interrupted';
  readonly rows: RowCounts;
  /** Contacts that Dynamics lists; null: it was not asked to, because of a sample. */
  readonly listed: number | null;
  readonly compared: number;
  readonly agreed: number;
  /** They differ, and somebody is at work on them. */
  readonly inProgress: number;
  /** Of those in progress, the ones whose tries fail again and again. */
  readonly failing: readonly string[];
  /** Contacts that Dynamics would not show. */
  readonly unreadable: readonly string[];
  readonly differing: readonly DifferingContact[];
}

/** A contact that did not agree at first sight. */
interface Suspect {
  readonly contactId: string;
  /** As Dynamics showed it then; undefined: it was not listed. */
  readonly version: string | undefined;
}

/**
 * Compares both sides, contact by contact. Nothing is written, and nothing is called a difference at first
 * sight: what does not agree is looked at once more after a moment, between two reads of its row. Where
 * something moves it is in progress.
 *
 * Takes the memory of a page, of the ids that were listed, and of what differs.
 */
export function createVerify(dependencies: VerifyDependencies) {
  const { store, dataverse, readContacts, optionValues, pageSize, wait } = dependencies;

  /** @throws DataverseError, and as `Database` does */
  return async (options: VerifyOptions = {}): Promise<Verified> => {
    const { sample, interrupted = () => false, onProgress = () => undefined } = options;
    const found = {
      agreed: 0,
      inProgress: 0,
      failing: [] as string[],
      unreadable: [] as string[],
      differing: [] as DifferingContact[],
    };
    let compared = 0;
    let suspects: Suspect[] = [];
    let moving = 0;
    const statuses = await optionValues();
    const rows = await store.count();

    const listed = sample === undefined ? await compareAll() : await compareSample(sample);
    await lookAgain();
    const outcome = interrupted() ? 'interrupted' : 'finished';
    return { outcome, rows, listed, compared, ...found };

    /** Everything that Dynamics lists, then what it has not listed. */
    async function compareAll(): Promise<number> {
      const ids = createIdSet();
      for await (const page of pages(interrupted)) {
        const contacts = page.contacts.filter(({ contactId }) => !ids.has(contactId));
        for (const { contactId } of contacts) ids.add(contactId);
        await comparePage(contacts);
      }
      let last: string | undefined;
      while (!interrupted()) {
        const known = await store.listKnown(last, CHUNK);
        if (known.length === 0) break;
        last = known.at(-1);
        for (const contactId of known) {
          // Absence from a list proves nothing, and whoever came while it was made is not on it.
          if (!ids.has(contactId)) suspects.push({ contactId, version: undefined });
        }
        if (suspects.length >= LOOK_AGAIN_AT) await lookAgain();
      }
      return ids.size;
    }

    async function comparePage(contacts: readonly ListedContact[]): Promise<void> {
      for (const part of chunksOf(contacts, CHUNK)) {
        if (interrupted()) return;
        const stored = await store.read(part.map(({ contactId }) => contactId));
        for (const contact of part) {
          const { contactId, version } = contact;
          sift({ contactId, version }, stored.get(contactId), ofPage(contact, statuses));
        }
        onProgress(compared);
      }
      if (suspects.length >= LOOK_AGAIN_AT) await lookAgain();
    }

    async function compareSample({ size, seed }: { size: number; seed: string }): Promise<null> {
      for (const ids of chunksOf(await store.drawSample(seed, size), MAX_CONTACTS_PER_READ)) {
        if (interrupted()) break;
        const stored = await store.read(ids);
        const reads = await readContacts(ids);
        for (const contactId of ids) {
          const read = reads.get(contactId);
          const version = versionOf(read);
          sift({ contactId, version }, stored.get(contactId), comparable(read));
        }
        if (suspects.length >= LOOK_AGAIN_AT) await lookAgain();
        onProgress(compared);
      }
      return null;
    }

    /** Counts what agrees at first sight, and keeps the rest for a second look. */
    function sift(
      suspect: Suspect,
      row: ComparedRow | undefined,
      contact: ComparedContact | undefined,
    ): void {
      if (contact !== undefined && compareContact(row, contact).length === 0) {
        found.agreed += 1;
        compared += 1;
      } else if (row?.inProgress === true && moving >= MAX_MOVING_AGAIN) {
        noteProgress(row);
      } else {
        if (row?.inProgress === true) moving += 1;
        suspects.push(suspect);
      }
    }

    async function lookAgain(): Promise<void> {
      const again = suspects;
      suspects = [];
      moving = 0;
      if (again.length === 0 || interrupted()) return;
      await wait(MOMENT_MS);
      for (const part of chunksOf(again, MAX_CONTACTS_PER_READ)) {
        if (interrupted()) return;
        const ids = part.map(({ contactId }) => contactId);
        const before = await store.read(ids);
        const reads = await readContacts(ids);
        const after = await store.read(ids);
        for (const suspect of part) {
          const { contactId } = suspect;
          judge(suspect, before.get(contactId), reads.get(contactId), after.get(contactId));
        }
      }
    }

    function judge(
      { contactId, version }: Suspect,
      before: ComparedRow | undefined,
      read: ContactRead | undefined,
      row: ComparedRow | undefined,
    ): void {
      const contact = comparable(read);
      if (contact === undefined) {
        found.unreadable.push(contactId);
        compared += 1;
        return;
      }
      const differences = compareContact(row, contact);
      if (differences.length === 0) {
        found.agreed += 1;
        compared += 1;
      } else if (row?.inProgress === true || isMoving(before, row, version, versionOf(read))) {
        noteProgress(row);
      } else {
        compared += 1;
        found.differing.push(differing(contactId, row, differences));
      }
    }

    function noteProgress(row: ComparedRow | undefined): void {
      compared += 1;
      found.inProgress += 1;
      if (row !== undefined && row.attempts >= FAILING_ATTEMPTS) found.failing.push(row.contactId);
    }
  };

  /** All contacts that Dynamics lists. Nobody keeps the link that leads to what changes after them. */
  async function* pages(interrupted: () => boolean): AsyncGenerator<ChangesPage> {
    let link: string | undefined;
    while (!interrupted()) {
      const page = await readPage(link);
      yield page;
      if (page.next.kind === 'changes') return;
      link = page.next.link;
    }
  }

  async function readPage(link: string | undefined): Promise<ChangesPage> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await dataverse.readChanges({ link, pageSize });
      } catch (error) {
        if (!(error instanceof DataverseUnavailable) || tries >= PAGE_TRIES) throw error;
        await wait(Math.max(PAGE_RETRY_MS, (error.retryAfterSeconds ?? 0) * 1000));
      }
    }
  }
}

function differing(
  contactId: string,
  row: ComparedRow | undefined,
  differences: readonly Difference[],
): DifferingContact {
  return {
    contactId,
    patientId: row?.patient?.id ?? null,
    revision: row?.revision ?? null,
    differences,
  };
}

/** Somebody has changed one of the sides since they did not agree. */
function isMoving(
  before: ComparedRow | undefined,
  row: ComparedRow | undefined,
  firstVersion: string | undefined,
  version: string | undefined,
): boolean {
  return (
    before?.revision !== row?.revision ||
    before?.version !== row?.version ||
    (firstVersion !== undefined && version !== undefined && firstVersion !== version)
  );
}

const versionOf = (read: ContactRead | undefined): string | undefined =>
  read?.kind === 'found' ? read.version : undefined;

/** Undefined where Dynamics did not say all that is compared. */
function comparable(read: ContactRead | undefined): ComparedContact | undefined {
  if (read?.kind === 'deleted') return { kind: 'absent' };
  if (read?.kind !== 'found' || read.consent === null) return undefined;
  const { profile, mergedInto, consent } = read;
  return { kind: 'found', profile, mergedInto, consent };
}

/** @throws ConsentFieldsMissing */
function ofPage(contact: ListedContact, statuses: ConsentStatusOptions): ComparedContact {
  const { firstName, lastName, email, phone, masterId, consentFields } = contact;
  if (consentFields === null) throw new ConsentFieldsMissing({});
  return {
    kind: 'found',
    profile: { firstName, lastName, email, phone },
    mergedInto: masterId,
    consent: shownConsentFields(consentFields, statuses),
  };
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
