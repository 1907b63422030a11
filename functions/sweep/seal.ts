import type { Sealed } from '../../shared/audit/seal-audit.ts';
import { describeError, type Log } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import type { Measurements } from '../../shared/observability/metrics.ts';

/** Audit rows are sealed in pieces of this size: a megabyte or so to read, and a short transaction. */
export const SEAL_PIECE = 1_000;

/** What is left of the function's time when the last piece may begin. */
const MIN_REMAINING_MS = 10_000;

/** Seals at most so many rows; undefined: there was nothing to do. */
export type Seal = (limit: number) => Promise<Sealed | undefined>;

/**
 * Seals the audit trail until nothing waits or the time is over. What it does not get done waits for the
 * next run. Never throws: the clock must not stop because of it, nor because the audit key is missing.
 *
 * @param start makes what seals
 */
export function createSealing({
  start,
  log,
  metrics,
}: {
  readonly start: () => Promise<Seal>;
  readonly log: Log;
  readonly metrics: Measurements;
}) {
  return async (remainingMs: () => number): Promise<void> => {
    try {
      const seal = await start();
      let total = 0;
      while (remainingMs() > MIN_REMAINING_MS) {
        const sealed = await seal(SEAL_PIECE);
        if (sealed === undefined) break;
        const { count, head } = sealed;
        log(messages.auditSealed, { count, sealNumber: head.number, chain: head.chain });
        total += count;
        if (count < SEAL_PIECE) break;
      }
      metrics.add('AuditRowsSealed', total);
    } catch (error) {
      log(messages.auditNotSealed, describeError(error));
    }
  };
}
