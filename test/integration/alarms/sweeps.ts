import { randomUUID } from 'node:crypto';
import { createSweep, type SweepDependencies } from '../../../functions/sweep/sweep.ts';
import { type Database, DatabaseUnavailable } from '../../../shared/database/database.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { createSweepStore } from '../../../shared/sweep/sweep-store.ts';
import { createSyncStatusStore } from '../../../shared/sync-status/sync-status-store.ts';
import { recordLog } from '../../support/observability.ts';

interface Sweep {
  /** Seconds since when the longest row is due. */
  readonly contactsDue?: number;
  readonly consentsDue?: number;
  readonly expired?: number;
  readonly patientsToMerge?: number;
  readonly databaseDown?: boolean;
}

/** One run of `sweep` over a table that says what a test wants. It may fail, as Lambda would see. */
export async function sweep(how: Sweep = {}): Promise<void> {
  const due = (oldestSeconds: number | undefined) => ({
    lastSuccessAt: null,
    due: oldestSeconds === undefined ? 0 : 1,
    oldestSeconds: oldestSeconds ?? null,
  });
  const answer = <T>(value: T): T => {
    if (how.databaseDown) throw new DatabaseUnavailable('timeout');
    return value;
  };
  const store = {
    expireConsents: async () => answer(how.expired ?? 0),
    endDoubts: async () => answer(0),
    claimDue: async () => answer([]),
  };
  const syncStatus = {
    read: async () =>
      answer({
        contacts: due(how.contactsDue),
        consents: due(how.consentsDue),
        trackingProblems: [],
        patientsToMerge: how.patientsToMerge ?? 0,
      }),
  };
  await run({ store, syncStatus }).catch((error: unknown) => {
    if (!(error instanceof DatabaseUnavailable)) throw error;
  });
}

/** One run of `sweep` over the rows of a database. Nobody hears what it rings for. */
export const sweepOver = (database: Database): Promise<void> =>
  run({ store: createSweepStore(database), syncStatus: createSyncStatusStore(database) });

async function run(parts: Pick<SweepDependencies, 'store' | 'syncStatus'>): Promise<void> {
  const queue = { sendAll: async () => undefined, waiting: async () => 0 };
  const runOnce = createSweep({
    ...parts,
    contactQueue: queue,
    consentQueue: queue,
    newId: randomUUID,
    now: () => new Date(),
    wait: async () => undefined,
    log: recordLog().log,
    metrics: createMetrics(),
  });
  await runOnce(() => 55_000);
}
