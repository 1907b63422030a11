import { DataverseUnreadable } from '../dataverse/errors.ts';
import type { Log } from '../observability/log.ts';
import { messages } from '../observability/messages.ts';
import type { Measurements } from '../observability/metrics.ts';
import type { RunContext } from './apply-page.ts';
import { CHUNK, DUE_PER_SECOND, MIN_REMAINING_FOR_CHUNK_MS } from './bulk-work.ts';
import { mayAskMissing } from './decide-missing.ts';
import type { Run, TrackingStore } from './tracking-store.ts';

export interface FullReadDependencies {
  readonly tracking: TrackingStore;
  /** Which share of the known contacts a full read may miss before it is stopped, 0 to 1. */
  readonly maxMissingShare: number;
  readonly log: Log;
  readonly metrics: Measurements;
}

/** How a read of all contacts begins, and what becomes of those that it has not listed. */
export function createFullRead(
  { tracking, maxMissingShare, log, metrics }: FullReadDependencies,
  { remainingMs, tally }: Pick<RunContext, 'remainingMs' | 'tally'>,
) {
  const { counts } = tally;
  let begun = false;

  return { beginFullRead, forgetVersions, askMissing };

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
        problem: tally.wentBack ? 'versions_went_back' : null,
        ...(!run.imported && { imported: true }),
      }),
    ];
  }
}
