import type { ChangesPage } from '../dataverse/changes.ts';
import type { DataverseClient } from '../dataverse/client.ts';
import { DataverseRejected, DataverseUnreadable } from '../dataverse/errors.ts';
import { type ApplyPageDependencies, createApplyPage, type RunContext } from './apply-page.ts';
import { createFullRead, type FullReadDependencies } from './full-read.ts';
import type { Run } from './tracking-store.ts';

/** What is left of the time when a page may be asked for. */
const MIN_REMAINING_FOR_PAGE_MS = 100_000;

export interface FollowChangesDependencies extends ApplyPageDependencies, FullReadDependencies {
  readonly tracking: FullReadDependencies['tracking'];
  readonly dataverse: Pick<DataverseClient, 'readChanges'>;
}

/**
 * `again`: begins a full read, unless one is under way. `new-epoch`: forgets which versions were
 * applied, because the organisation was restored from a backup, and begins one.
 */
export type RequestedRead = 'again' | 'new-epoch' | undefined;

/** The pages of one run: asks for them, has them applied, and saves where it is. */
export function createFollowChanges(
  dependencies: FollowChangesDependencies,
  context: RunContext,
  fullRead: RequestedRead,
) {
  const { tracking, dataverse, pageSize } = dependencies;
  const { remainingMs, tally } = context;
  const applyPage = createApplyPage(dependencies, context);
  const { beginFullRead, forgetVersions, askMissing } = createFullRead(dependencies, context);

  return follow;

  /** Page after page until nothing is left, or no time. */
  async function follow(first: Run, moved: (run: Run) => void): Promise<'finished' | 'unfinished'> {
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
      ...(tally.wentBack && { problem: 'versions_went_back' as const }),
      ...(finished && {
        finished: true as const,
        ...(!lasting && !tally.wentBack && { problem: null }),
      }),
    };
  }
}
