import { DatabaseConflict, DatabaseRejected, DatabaseUnavailable } from '../database/database.ts';
import { DataverseError, DataverseForbidden, DataverseRejected } from '../dataverse/errors.ts';
import { describeError } from '../observability/log.ts';
import { messages } from '../observability/messages.ts';
import {
  createFollowChanges,
  type FollowChangesDependencies,
  type RequestedRead,
} from './follow-changes.ts';
import { type Counts, newTally, type Progress } from './tally.ts';
import type { TrackingProblem } from './tracking-problem.ts';
import { type Run, RunOvertaken } from './tracking-store.ts';

export interface ReconcileDependencies extends FollowChangesDependencies {
  /** Id of the Dataverse organisation that the connection leads to. @throws DataverseError */
  readonly connectedOrganizationId: () => Promise<string>;
}

export interface ReconcileOptions {
  readonly remainingMs: () => number;
  readonly fullRead?: RequestedRead;
  readonly onProgress?: (progress: Progress) => void;
  /** Told why a run has failed. */
  readonly onFailure?: (error: Error) => void;
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
  const { tracking, connectedOrganizationId, newId, log, metrics } = dependencies;

  return async (options: ReconcileOptions): Promise<Reconciled> => {
    const { remainingMs, fullRead, onProgress = () => undefined, onFailure } = options;
    const tally = newTally();
    const { counts } = tally;
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
      const context = { dataverseOrganizationId, remainingMs, onProgress, tally };
      const follow = createFollowChanges(dependencies, context, fullRead);
      const followed = await follow(run, (next) => {
        run = next;
      });
      report(counts, run);
      return { outcome: followed, problem: run.problem, counts };
    } catch (error) {
      if (!isExpected(error)) throw error;
      onFailure?.(error);
      log(messages.changesNotFollowed, { count: counts.pages, ...describeError(error) });
      const problem = problemOf(error);
      metrics.count('ReconcileFailures', { reason: problem ?? error.name });
      if (run !== undefined && problem !== undefined) await noteProblem(run, problem);
      return { outcome: 'failed', problem: problem ?? run?.problem ?? null, counts };
    } finally {
      if (run !== undefined) await giveBack(run);
    }
  };

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
