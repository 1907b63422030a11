import { randomUUID } from 'node:crypto';
import { createSweep } from '../../../functions/sweep/sweep.ts';
import { DatabaseUnavailable } from '../../../shared/database/database.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
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
  const queue = { sendAll: async () => undefined, waiting: async () => 0 };
  const run = createSweep({
    store: {
      expireConsents: async () => answer(how.expired ?? 0),
      endDoubts: async () => answer(0),
      claimDue: async () => answer([]),
    },
    syncStatus: {
      read: async () =>
        answer({
          contacts: due(how.contactsDue),
          consents: due(how.consentsDue),
          trackingProblems: [],
          patientsToMerge: how.patientsToMerge ?? 0,
        }),
    },
    contactQueue: queue,
    consentQueue: queue,
    newId: randomUUID,
    now: () => new Date(),
    wait: async () => undefined,
    log: recordLog().log,
    metrics: createMetrics(),
  });
  await run(() => 55_000).catch((error: unknown) => {
    if (!(error instanceof DatabaseUnavailable)) throw error;
  });
}
