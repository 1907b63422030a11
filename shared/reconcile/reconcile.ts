import type { ContactStore } from '../contacts/contact-store.ts';
import type { ContactRead, StoredContact } from '../contacts/decide-contact.ts';
import { DatabaseConflict, DatabaseRejected, DatabaseUnavailable } from '../database/database.ts';
import type { ChangesPage, ListedContact } from '../dataverse/changes.ts';
import { type DataverseClient, MAX_CONTACTS_PER_READ } from '../dataverse/client.ts';
import { type ConsentStatusOptions, shownConsentFields } from '../dataverse/consent-columns.ts';
import {
  DataverseError,
  DataverseForbidden,
  DataverseRejected,
  DataverseUnreadable,
} from '../dataverse/errors.ts';
import { describeError, type Log } from '../observability/log.ts';
import { messages } from '../observability/messages.ts';
import type { Measurements } from '../observability/metrics.ts';
import { createApplyListed, type Listing } from './apply-listed.ts';
import { decideListed } from './decide-listed.ts';
import { mayAskMissing } from './decide-missing.ts';
import type { TrackingProblem } from './tracking-problem.ts';
import { type Run, RunOvertaken, type TrackingStore } from './tracking-store.ts';

/** Contacts of one statement: a fraction of a second each, so that nobody waits long for a row of it. */
const CHUNK = 500;

/** What is left of the time when a page may be asked for, and when a chunk of it may be begun. */
const MIN_REMAINING_FOR_PAGE_MS = 100_000;
const MIN_REMAINING_FOR_CHUNK_MS = 30_000;

/** A webhook is applied within seconds. What was changed longer ago, and is unknown, never came. */
const WEBHOOK_LATE_MS = 120_000;
/**
 * Nothing says when a contact was deleted. One that is still alive here after so long has had its
 * webhook lost, or it is very late.
 */
const DELETION_GRACE_MS = 15_000;

/** Contacts of one page that are read anew at once; the others are left to the clock. */
const MAX_READ_AGAIN = 1_000;

/**
 * At which rate bulk work becomes due. The sweep rings twelve times a second, in the order of time: what
 * people do meanwhile finds its place between.
 */
const DUE_PER_SECOND = 10;

export interface ReconcileDependencies {
  readonly tracking: TrackingStore;
  readonly contacts: ContactStore;
  readonly dataverse: Pick<DataverseClient, 'readChanges'>;
  /** Contacts as Dynamics shows them now; rejects only on a defect. */
  readonly readContacts: (
    contactIds: readonly string[],
  ) => Promise<ReadonlyMap<string, ContactRead>>;
  /** Of the consent status in this organisation. @throws DataverseError */
  readonly optionValues: () => Promise<ConsentStatusOptions>;
  /** Id of the Dataverse organisation that the connection leads to. @throws DataverseError */
  readonly connectedOrganizationId: () => Promise<string>;
  /** Contacts of a page. */
  readonly pageSize: number;
  /** Which share of the known contacts a full read may miss before it is stopped, 0 to 1. */
  readonly maxMissingShare: number;
  readonly newId: () => string;
  /** Resolves after so many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
  readonly log: Log;
  readonly metrics: Measurements;
}

export interface ReconcileOptions {
  readonly remainingMs: () => number;
  /**
   * `again`: begins a full read, unless one is under way. `new-epoch`: forgets which versions were
   * applied, because the organisation was restored from a backup, and begins one.
   */
  readonly fullRead?: 'again' | 'new-epoch' | undefined;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  /** Contacts that the full read under way has listed, over all runs; null: changes are followed. */
  readonly listed: number | null;
  readonly counts: Counts;
}

export interface Counts {
  pages: number;
  /** Contacts and deletions on them. */
  listed: number;
  created: number;
  linked: number;
  updated: number;
  unlinked: number;
  /** Contacts whose consent fields somebody has edited in Dynamics: they are written again. */
  edited: number;
  /** Contacts that were not listed and are read by themselves now. */
  asked: number;
  refused: number;
  /** Differences whose webhook never came. */
  missed: number;
}

export interface Reconciled {
  readonly outcome:
    | 'finished'
    /** There was no time for the rest: the next run goes on. */
    | 'unfinished'
    /** Another run is under way. */
    | 'busy'
    /** No organisation, or more than one, has this Dataverse organisation. */
    | 'unknown-organization'
    | 'failed';
  readonly problem: TrackingProblem | null;
  readonly counts: Counts;
}

/**
 * Follows the changes of all contacts, page by page; without a link it reads everything, which is also
 * the first import. A page is saved as read when all of it is applied, so a run can end anywhere. Fails
 * only on a defect.
 */
export function createReconcile(dependencies: ReconcileDependencies) {
  const { tracking, contacts, dataverse, readContacts, optionValues } = dependencies;
  const { connectedOrganizationId, newId, wait, log, metrics } = dependencies;
  const { pageSize, maxMissingShare } = dependencies;
  const { apply, leaveToClock } = createApplyListed({ contacts, newId, log, metrics });

  return async (options: ReconcileOptions): Promise<Reconciled> => {
    const counts: Counts = {
      pages: 0,
      listed: 0,
      created: 0,
      linked: 0,
      updated: 0,
      unlinked: 0,
      edited: 0,
      asked: 0,
      refused: 0,
      missed: 0,
    };
    let run: Run | undefined;
    try {
      const dataverseOrganizationId = await connectedOrganizationId();
      const taken = await tracking.take(dataverseOrganizationId, newId());
      if (taken === 'busy') return { outcome: 'busy', problem: null, counts };
      if (taken === 'unknown') {
        metrics.count('ReconcileFailures', { reason: 'unknown_organization' });
        log(messages.changesNotFollowed, { reason: 'unknown_organization' });
        return { outcome: 'unknown-organization', problem: null, counts };
      }
      run = taken;
      const steps = createSteps(dataverseOrganizationId, counts, options);
      const followed = await steps.follow(run, (next) => {
        run = next;
      });
      report(counts, run);
      return { outcome: followed, problem: run.problem, counts };
    } catch (error) {
      if (!isExpected(error)) throw error;
      log(messages.changesNotFollowed, { count: counts.pages, ...describeError(error) });
      const problem = problemOf(error);
      metrics.count('ReconcileFailures', { reason: problem ?? error.name });
      if (run !== undefined && problem !== undefined) await noteProblem(run, problem);
      return { outcome: 'failed', problem: problem ?? run?.problem ?? null, counts };
    } finally {
      if (run !== undefined) await giveBack(run);
    }
  };

  function createSteps(
    dataverseOrganizationId: string,
    counts: Counts,
    { remainingMs, fullRead, onProgress = () => undefined }: ReconcileOptions,
  ) {
    let begun = false;
    let wentBack = false;

    return { follow };

    /** Page after page until nothing is left, or no time. */
    async function follow(
      first: Run,
      moved: (run: Run) => void,
    ): Promise<'finished' | 'unfinished'> {
      let run = first;
      const move = (next: Run) => {
        run = next;
        moved(next);
      };
      if (fullRead === 'new-epoch') await forgetVersions(run);
      if (fullRead === 'new-epoch' || (fullRead === 'again' && !run.fullRead)) {
        move(await beginFullRead(run, fullRead));
      }
      while (remainingMs() > MIN_REMAINING_FOR_PAGE_MS) {
        if (run.fullRead && run.link !== null) {
          const [ended, next] = await askMissing(run);
          move(next);
          if (!ended) return 'unfinished';
        }
        // Where the first page was not saved, what it said is too old to be what the link begins with.
        if (run.link === null && run.nextPage === null) move(await beginFullRead(run, 'no_link'));
        const page = await readPage(run);
        if (page === undefined) {
          move(await beginFullRead(run, 'link_expired'));
          continue;
        }
        const linked = await applyPage(run, page, move);
        if (linked === undefined) return 'unfinished';
        const finished = page.next.kind === 'changes' && !run.fullRead;
        move(await tracking.save(run, afterPage(run, page, linked, finished)));
        if (finished) return 'finished';
      }
      return 'unfinished';
    }

    async function beginFullRead(run: Run, reason: string): Promise<Run> {
      if (begun && reason === 'link_expired') {
        // Its own links are refused: reading on would never end.
        throw new DataverseUnreadable('foreign next link');
      }
      begun = true;
      log(messages.fullReadBegun, { reason });
      metrics.count('FullReads', { reason });
      return tracking.save(run, {
        link: null,
        nextPage: null,
        fullRead: 'begins',
        listed: 0,
        linked: 0,
        ...(reason === 'new-epoch' && { imported: false }),
      });
    }

    async function forgetVersions(run: Run): Promise<void> {
      while ((await tracking.forgetVersions(run, CHUNK)) > 0) await tracking.save(run, {});
    }

    /** Undefined: the link leads nowhere any more. */
    async function readPage(run: Run): Promise<ChangesPage | undefined> {
      const link = run.nextPage ?? run.link ?? undefined;
      try {
        return await dataverse.readChanges({ link, pageSize });
      } catch (error) {
        const refused = error instanceof DataverseRejected || error instanceof DataverseUnreadable;
        if (link === undefined || !refused) throw error;
        return undefined;
      }
    }

    function afterPage(
      run: Run,
      { next, contacts: listed }: ChangesPage,
      linked: number,
      finished: boolean,
    ) {
      const place =
        next.kind === 'page' ? { nextPage: next.link } : { link: next.link, nextPage: null };
      const lasting = run.problem === 'contacts_missing' || run.problem === 'versions_went_back';
      return {
        ...place,
        ...(run.fullRead && { listed: run.listed + listed.length, linked: run.linked + linked }),
        ...(wentBack && { problem: 'versions_went_back' as const }),
        ...(finished && {
          finished: true as const,
          ...(!lasting && !wentBack && { problem: null }),
        }),
      };
    }

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
      { effects, refused, wentBack: behind }: Awaited<ReturnType<typeof apply>>,
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
      wentBack ||= behind;
    }

    /** Whether everything that was missing is asked about, and the run after it. */
    async function askMissing(first: Run): Promise<[boolean, Run]> {
      let run = first;
      const found = await tracking.countMissing(run);
      if (!mayAskMissing(found, maxMissingShare)) {
        log(messages.contactsMissing, { count: found.missing });
        // Nothing is asked and nothing is lost: changes are followed on, and the rows stay as they are.
        return [true, await tracking.save(run, { fullRead: 'ends', problem: 'contacts_missing' })];
      }
      let asked = 0;
      while (asked < found.missing && remainingMs() > MIN_REMAINING_FOR_CHUNK_MS) {
        const many = { limit: CHUNK, before: asked, perSecond: DUE_PER_SECOND };
        const now = await tracking.askMissing(run, many);
        // What is left is held by somebody, or was asked about by a webhook meanwhile.
        if (now === 0) break;
        asked += now;
        counts.asked += now;
        run = await tracking.save(run, {});
      }
      if (asked < found.missing && (await tracking.countMissing(run)).missing > 0) {
        return [false, run];
      }
      return [
        true,
        await tracking.save(run, {
          fullRead: 'ends',
          problem: wentBack ? 'versions_went_back' : null,
          ...(!run.imported && { imported: true }),
        }),
      ];
    }
  }

  function report(counts: Counts, run: Run): void {
    metrics.add('ContactsListed', counts.listed);
    if (counts.missed > 0) metrics.add('MissedWebhooks', counts.missed);
    if (counts.refused > 0) metrics.add('ContactsRefused', counts.refused);
    // As long as it lasts, so that the alarm lasts too.
    if (run.problem !== null) metrics.count('ReconcileFailures', { reason: run.problem });
    log(messages.changesFollowed, { count: counts.listed, reason: run.problem ?? undefined });
  }

  async function noteProblem(run: Run, problem: TrackingProblem): Promise<void> {
    // The first one says what has to be mended first; that nothing can be read comes before all.
    await tracking.save(run, { problem }).catch((error: unknown) => {
      if (!isExpected(error)) throw error;
    });
  }

  /** Who cannot give it back lets it end by itself. */
  async function giveBack(run: Run): Promise<void> {
    await tracking.release(run).catch((error: unknown) => {
      if (!isExpected(error)) throw error;
    });
  }
}

const COUNT_OF = {
  patient_created: 'created',
  patient_linked: 'linked',
  patient_updated: 'updated',
  patient_unlinked: 'unlinked',
} as const;

type ExpectedError =
  | DataverseError
  | DatabaseUnavailable
  | DatabaseConflict
  | DatabaseRejected
  | RunOvertaken;

const isExpected = (error: unknown): error is ExpectedError =>
  error instanceof DataverseError ||
  error instanceof DatabaseUnavailable ||
  error instanceof DatabaseConflict ||
  error instanceof DatabaseRejected ||
  error instanceof RunOvertaken;

/** What only somebody with the rights can mend. */
function problemOf(error: ExpectedError): TrackingProblem | undefined {
  if (error instanceof DataverseForbidden) return 'read_forbidden';
  return error instanceof DataverseRejected ? 'tracking_refused' : undefined;
}

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

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let from = 0; from < items.length; from += size) chunks.push(items.slice(from, from + size));
  return chunks;
}
