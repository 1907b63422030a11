import { LoggableError } from '../errors/loggable-error.ts';
import { type Seal, type Sealer, sealRows } from './seal.ts';
import type { SealStore } from './seal-store.ts';

/** The newest seal was not made with this key after the one before it, as far as can be told: whatever followed it would prove nothing. */
export class SealKeyMismatch extends LoggableError {
  override readonly name = 'SealKeyMismatch';
  constructor(number: number) {
    super(
      `Seal ${number} of the audit trail does not fit the audit key: the key was replaced, or the seal or the one before it was altered or taken away`,
    );
  }
}

export interface Sealed {
  readonly count: number;
  /** The newest seal, for the log: it tells later that seals were taken away from the end. */
  readonly head: Pick<Seal, 'number' | 'chain'>;
}

/**
 * Seals the audit rows that wait for it, at most `limit`. Two at a time do no harm: the number of a seal
 * is given once, and who comes second seals nothing.
 *
 * @returns undefined if nothing was sealed
 * @throws SealKeyMismatch, and as `SealStore` does
 */
export function createAuditSealing(store: SealStore, sealer: Sealer) {
  return async (limit: number): Promise<Sealed | undefined> => {
    const { head, rows, requeued, now } = await store.readUnsealed(limit);
    if (head !== undefined) {
      const { seal, previousChain } = head;
      // Without the one before it nobody can tell a genuine seal from one that was made up.
      const expected = previousChain === undefined ? undefined : sealer.chain(seal, previousChain);
      if (expected !== seal.chain) throw new SealKeyMismatch(seal.number);
    }
    const seals = sealRows(sealer, rows, head?.seal, now);
    if (seals.length + requeued.length === 0) return undefined;
    const appended = await store.append(seals, requeued);
    const newest = seals.at(-1);
    if (newest === undefined || !appended) return undefined;
    return { count: seals.length, head: { number: newest.number, chain: newest.chain } };
  };
}
