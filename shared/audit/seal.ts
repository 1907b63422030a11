import { createHmac } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod';

const column = z.string().nullable();

/**
 * An audit row as it is sealed: every column of `audit_logs` that this project knows, as PostgreSQL's
 * text; `timestamp` is UTC with six decimals. The JSON columns are text as well: PostgreSQL writes a
 * `jsonb` always the same way, and numbers that JavaScript would round stay as they are.
 */
export const sealableRow = z.object({
  id: z.string(),
  organization_id: column,
  patient_id: column,
  consent_id: column,
  user_id: column,
  action: column,
  old_values: column,
  new_values: column,
  timestamp: column,
  checksum: column,
  event_id: column,
  source: column,
  outcome: column,
});
export type SealableRow = z.output<typeof sealableRow>;

/** One row of `audit_seals`; hashes as lower-case hex. */
export interface Seal {
  /** 1, 2, 3 … */
  readonly number: number;
  readonly auditId: string;
  readonly rowHash: string;
  readonly chain: string;
  /** UTC, six decimals. */
  readonly sealedAt: string;
}

/** The chain before the first seal. */
export const NO_CHAIN = '';

/** What only who has the key can compute. HMAC-SHA256, as lower-case hex. */
export interface Sealer {
  rowHash(row: SealableRow): string;
  /** @param previous the chain of the seal before it, or `NO_CHAIN` */
  chain(seal: Omit<Seal, 'chain'>, previous: string): string;
}

/** @param key as Secrets Manager keeps it; its UTF-8 bytes are the key */
export function createSealer(key: string): Sealer {
  const hmac = (value: unknown): string => {
    const text = canonicalize(value);
    if (text === undefined) throw new TypeError('what is sealed has no JSON form');
    return createHmac('sha256', key).update(text).digest('hex');
  };
  return {
    // An object here, an array there: a row can never pass for a link of the chain.
    rowHash: (row) => hmac(row),
    chain: ({ number, auditId, rowHash, sealedAt }, previous) =>
      hmac([number, auditId, rowHash, sealedAt, previous]),
  };
}

/**
 * The seals of rows, in their order, after the newest seal. Pure.
 *
 * @param head absent: there is none yet
 */
export function sealRows(
  sealer: Sealer,
  rows: readonly SealableRow[],
  head: Pick<Seal, 'number' | 'chain'> | undefined,
  sealedAt: string,
): readonly Seal[] {
  let { number, chain } = head ?? { number: 0, chain: NO_CHAIN };
  return rows.map((row) => {
    number += 1;
    const seal = { number, auditId: row.id, rowHash: sealer.rowHash(row), sealedAt };
    chain = sealer.chain(seal, chain);
    return { ...seal, chain };
  });
}
