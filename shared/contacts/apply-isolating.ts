import { type ContactWrite, rowKey } from './contact-store.ts';
import { DatabaseRejected } from '../database/database.ts';

export interface ApplyResult {
  /** Contacts that were written, by `rowKey`. */
  readonly applied: ReadonlySet<string>;
  /** Contacts that the database refuses even when they stand alone, by `rowKey`, and why. */
  readonly rejected: ReadonlyMap<string, DatabaseRejected>;
}

/**
 * Writes a batch in one statement; where a row makes the database refuse it all, in halves, until
 * the culprit stands alone. One bad row must not be everybody's.
 */
export async function applyIsolating(
  apply: (writes: readonly ContactWrite[]) => Promise<ReadonlyMap<string, unknown>>,
  writes: readonly ContactWrite[],
  onSplit: (count: number, error: DatabaseRejected) => void,
): Promise<ApplyResult> {
  try {
    return { applied: new Set((await apply(writes)).keys()), rejected: new Map() };
  } catch (error) {
    if (!(error instanceof DatabaseRejected)) throw error;
    onSplit(writes.length, error);
    if (writes.length === 1) {
      return {
        applied: new Set(),
        rejected: new Map(writes.map((write) => [rowKey(write), error])),
      };
    }
    const middle = Math.ceil(writes.length / 2);
    const first = await applyIsolating(apply, writes.slice(0, middle), onSplit);
    const second = await applyIsolating(apply, writes.slice(middle), onSplit);
    return {
      applied: new Set([...first.applied, ...second.applied]),
      rejected: new Map([...first.rejected, ...second.rejected]),
    };
  }
}
