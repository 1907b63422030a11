import { NO_CHAIN, type Seal, type SealableRow, type Sealer } from './seal.ts';

/** A seal, and the row that it seals as it is now; undefined: there is none any more. */
export interface SealedRow {
  readonly seal: Seal;
  readonly row: SealableRow | undefined;
}

/** What is wrong at a place of the chain. */
export type ChainFinding =
  | { readonly kind: 'altered'; readonly number: number; readonly auditId: string }
  | { readonly kind: 'missing'; readonly number: number; readonly auditId: string }
  | { readonly kind: 'seal_altered'; readonly number: number; readonly auditId: string }
  | { readonly kind: 'seals_missing'; readonly from: number; readonly to: number };

/**
 * Checks seals one after the other, from the first one on. One that was altered does not spoil those
 * after it: each is held against the chain as stored and as it should be.
 */
export function createChainCheck(sealer: Sealer): (sealed: SealedRow) => readonly ChainFinding[] {
  let last = 0;
  /** Either may stand before the next seal; undefined: a seal is missing there, and nobody can know. */
  let before: readonly string[] | undefined = [NO_CHAIN];
  return ({ seal, row }) => {
    const { number, auditId } = seal;
    // Beside the chain: nothing that was sealed has such a number.
    if (number < 1 || !Number.isSafeInteger(number)) {
      return [{ kind: 'seal_altered', number, auditId }];
    }
    const findings: ChainFinding[] = [];
    if (number !== last + 1) {
      findings.push({ kind: 'seals_missing', from: last + 1, to: number - 1 });
      before = undefined;
    }
    const expected = before?.map((chain) => sealer.chain(seal, chain));
    const fits = expected === undefined || expected.includes(seal.chain);
    if (!fits) findings.push({ kind: 'seal_altered', number, auditId });
    if (row === undefined) findings.push({ kind: 'missing', number, auditId });
    else if (sealer.rowHash(row) !== seal.rowHash) {
      findings.push({ kind: 'altered', number, auditId });
    }
    last = number;
    before = fits ? [seal.chain] : [seal.chain, ...(expected ?? [])];
    return findings;
  };
}
