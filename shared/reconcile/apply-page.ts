import type { ContactStore } from '../contacts/contact-store.ts';
import type { ContactRead, StoredContact } from '../contacts/decide-contact.ts';
import type { ChangesPage, ListedContact } from '../dataverse/changes.ts';
import { MAX_CONTACTS_PER_READ } from '../dataverse/client.ts';
import { type ConsentStatusOptions, shownConsentFields } from '../dataverse/consent-columns.ts';
import { DataverseError } from '../dataverse/errors.ts';
import type { Log } from '../observability/log.ts';
import type { Measurements } from '../observability/metrics.ts';
import { type Applied, createApplyListed, type Listing } from './apply-listed.ts';
import { CHUNK, chunksOf, DUE_PER_SECOND, MIN_REMAINING_FOR_CHUNK_MS } from './bulk-work.ts';
import { decideListed } from './decide-listed.ts';
import type { Progress, Tally } from './tally.ts';
import type { Run, TrackingStore } from './tracking-store.ts';

/** A webhook is applied within seconds. What was changed longer ago, and is unknown, never came. */
const WEBHOOK_LATE_MS = 120_000;
/**
 * Nothing says when a contact was deleted. One that is still alive here after so long has had its
 * webhook lost, or it is very late.
 */
const DELETION_GRACE_MS = 15_000;

/** Contacts of one page that are read anew at once; the others are left to the clock. */
const MAX_READ_AGAIN = 1_000;

export interface ApplyPageDependencies {
  readonly tracking: Pick<TrackingStore, 'save' | 'markListed'>;
  readonly contacts: ContactStore;
  /** Contacts as Dynamics shows them now; rejects only on a defect. */
  readonly readContacts: (
    contactIds: readonly string[],
  ) => Promise<ReadonlyMap<string, ContactRead>>;
  /** Of the consent status in this organisation. @throws DataverseError */
  readonly optionValues: () => Promise<ConsentStatusOptions>;
  /** Contacts of a page. */
  readonly pageSize: number;
  readonly newId: () => string;
  /** Resolves after so many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
  readonly log: Log;
  readonly metrics: Measurements;
}

/** One run, of which `tally` says what it has done. */
export interface RunContext {
  readonly dataverseOrganizationId: string;
  readonly remainingMs: () => number;
  readonly onProgress: (progress: Progress) => void;
  readonly tally: Tally;
}

/** Applies what a page says of contacts, and reads anew those of which it may not say it. */
export function createApplyPage(
  dependencies: ApplyPageDependencies,
  { dataverseOrganizationId, remainingMs, onProgress, tally }: RunContext,
) {
  const { tracking, contacts, readContacts, optionValues, pageSize } = dependencies;
  const { newId, wait, log, metrics } = dependencies;
  const { apply, leaveToClock } = createApplyListed({ contacts, newId, log, metrics });
  const { counts } = tally;

  return applyPage;

  /** Returns how many contacts were linked; undefined if there was no time for all of it. */
  async function applyPage(
    run: Run,
    page: ChangesPage,
    moved: (run: Run) => void,
  ): Promise<number | undefined> {
    const listing: Listing = {
      organizationId: run.organizationId,
      dataverseOrganizationId,
      source: run.imported ? 'reconcile' : 'import',
    };
    const options = await optionValues().catch(unlessDataverse);
    const byId = new Map(
      page.contacts.map((contact) => [contact.contactId, withConsent(contact, options)]),
    );
    const linkedBefore = counts.linked + counts.created;
    const readAgain = new Set<string>();
    let done = 0;
    for (const ids of chunksOf([...byId.keys()], CHUNK)) {
      if (remainingMs() < MIN_REMAINING_FOR_CHUNK_MS) return undefined;
      const linkedNow = counts.linked + counts.created - linkedBefore;
      const applied = await apply(
        listing,
        ids,
        (rows) => readsOfPage(rows, byId, readAgain),
        (nth) => (run.fullRead ? dueSeconds(run, linkedNow + nth) : 0),
      );
      note(applied, (id) => isLate(run, byId.get(id)));
      moved(await tracking.save(run, {}));
      done += ids.length;
      onProgress({ listed: run.fullRead ? run.listed + done : null, counts });
    }
    if (!(await readAnew(run, listing, [...readAgain], (id) => isLate(run, byId.get(id))))) {
      return undefined;
    }
    const gone = page.deleted.filter((id) => !byId.has(id));
    if (!(await readDeleted(run, listing, gone))) return undefined;
    if (run.fullRead) {
      for (const ids of chunksOf([...byId.keys()], pageSize)) await tracking.markListed(run, ids);
    }
    counts.pages += 1;
    counts.listed += page.contacts.length + page.deleted.length;
    return counts.linked + counts.created - linkedBefore;
  }

  /** Contacts that change tracking calls deleted. Those that we do not know are nothing to us. */
  async function readDeleted(
    run: Run,
    listing: Listing,
    contactIds: readonly string[],
  ): Promise<boolean> {
    let alive = await knownAlive(contactIds);
    const waited = alive.length > 0 && run.link !== null;
    if (waited) {
      await wait(DELETION_GRACE_MS);
      await tracking.save(run, {});
      alive = await knownAlive(alive);
    }
    return readAnew(run, listing, alive, () => waited);
  }

  async function knownAlive(contactIds: readonly string[]): Promise<string[]> {
    const alive: string[] = [];
    for (const ids of chunksOf(contactIds, CHUNK)) {
      const rows = await contacts.read(
        ids.map((contactId) => ({ dataverseOrganizationId, contactId })),
      );
      alive.push(
        ...rows
          .filter(({ stored }) => stored !== undefined && !stored.deleted)
          .map(({ contactId }) => contactId),
      );
    }
    return alive;
  }

  /** By the rules of a doorbell: the rows first, then Dynamics. False if there was no time for all. */
  async function readAnew(
    run: Run,
    listing: Listing,
    contactIds: readonly string[],
    late: (contactId: string) => boolean,
  ): Promise<boolean> {
    for (const ids of chunksOf(contactIds.slice(0, MAX_READ_AGAIN), MAX_CONTACTS_PER_READ)) {
      if (remainingMs() < MIN_REMAINING_FOR_CHUNK_MS) return false;
      const applied = await apply(listing, ids, (rows) => readContacts([...rows.keys()]));
      note(applied, late);
      await tracking.save(run, {});
    }
    const rest = contactIds.slice(MAX_READ_AGAIN);
    for (const ids of chunksOf(rest, CHUNK)) {
      await leaveToClock(listing, ids, (nth) => Math.ceil(nth / DUE_PER_SECOND));
    }
    return true;
  }

  function note(
    { effects, refused, wentBack: behind }: Applied,
    late: (contactId: string) => boolean,
  ): void {
    for (const { contactId, decision } of effects) {
      if (decision.patient !== null) {
        counts[COUNT_OF[decision.action]] += 1;
        if (late(contactId)) counts.missed += 1;
      }
      if (decision.driftedFields.length > 0) counts.edited += 1;
    }
    counts.refused += refused.length;
    tally.wentBack ||= behind;
  }
}

const COUNT_OF = {
  patient_created: 'created',
  patient_linked: 'linked',
  patient_updated: 'updated',
  patient_unlinked: 'unlinked',
} as const;

/** Without the options of this organisation nothing can be said of the consent fields. */
const withConsent = (contact: ListedContact, options: ConsentStatusOptions | undefined) => ({
  ...contact,
  consent:
    contact.consentFields && options ? shownConsentFields(contact.consentFields, options) : null,
});

/** Names and emails must not wait for the options of a consent status. */
function unlessDataverse(error: unknown): undefined {
  if (!(error instanceof DataverseError)) throw error;
  return undefined;
}

/** Those contacts of a page that it may be applied for; others are noted to be read again. */
function readsOfPage(
  rows: ReadonlyMap<string, StoredContact | undefined>,
  listed: ReadonlyMap<string, ReturnType<typeof withConsent>>,
  readAgain: Set<string>,
) {
  return new Map(
    [...rows].flatMap(([contactId, stored]) => {
      const contact = listed.get(contactId);
      if (contact === undefined) return [];
      const step = decideListed(stored, contact);
      if (step === 'read-again') readAgain.add(contactId);
      if (step !== 'apply') return [];
      const { version, firstName, lastName, email, phone, masterId: mergedInto } = contact;
      const profile = { firstName, lastName, email, phone };
      // Whether the consent fields were edited is not for a page to say.
      const read = { kind: 'found' as const, version, profile, mergedInto, consent: null };
      return [[contactId, read] as const];
    }),
  );
}

/** While changes are followed: has the webhook had its time? By the database's clock and Dataverse's. */
const isLate = (run: Run, contact: ListedContact | undefined): boolean =>
  run.link !== null && contact !== undefined && contact.modifiedAtMs < run.nowMs - WEBHOOK_LATE_MS;

/** When the nth link of this page is written: after those of the pages before, at the clock's pace. */
const dueSeconds = (run: Run, nth: number): number =>
  Math.max(0, (run.linked + nth) / DUE_PER_SECOND - (run.fullReadSeconds ?? 0));
