import * as z from 'zod';
import { type Database, DatabaseRejected, type Row } from '../database/database.ts';
import type { SealedRow } from './check-chain.ts';
import countUnsealed from './count-unsealed.sql';
import findInserted from './find-inserted.sql';
import findTakenUnsealed from './find-taken-unsealed.sql';
import insertSeals from './insert-seals.sql';
import readSealHead from './read-seal-head.sql';
import readSealed from './read-sealed.sql';
import readUnsealed from './read-unsealed.sql';
import { NO_CHAIN, type Seal, type SealableRow, sealableRow } from './seal.ts';
import { withSealableColumns, withSealColumns } from './sealable-columns.ts';

/** The newest seal, and the chain of the one before it; undefined if that one is missing. */
export interface SealHead {
  readonly seal: Seal;
  readonly previousChain: string | undefined;
}

/** Throws as `Database` does. */
export interface SealStore {
  /** What is to be sealed next, and after which seal; at most so many rows. */
  readUnsealed(limit: number): Promise<{
    readonly head: SealHead | undefined;
    readonly rows: readonly SealableRow[];
    /** Ids of rows that wait although they are sealed. */
    readonly requeued: readonly string[];
    /** The database's time: UTC, six decimals. */
    readonly now: string;
  }>;
  /**
   * Adds seals, all or none; their rows, and those that were queued again, wait no more. False if somebody
   * else has added some meanwhile.
   */
  append(seals: readonly Seal[], requeued: readonly string[]): Promise<boolean>;
}

export interface SealedPage {
  readonly sealed: readonly SealedRow[];
  /** Undefined: there are no more. */
  readonly next: string | undefined;
}

/** For who verifies. Throws as `Database` does. */
export interface SealReader {
  readHead(): Promise<SealHead | undefined>;
  /**
   * Seals in the order of their numbers, at most so many.
   *
   * @param after `next` of the page before; undefined: from the first one on
   */
  readSealed(after: string | undefined, limit: number): Promise<SealedPage>;
  /** Ids of rows that have no seal and wait for none; at most so many. */
  findInserted(limit: number): Promise<readonly string[]>;
  /** Ids of rows that were taken away before they were sealed; at most so many. */
  findTakenUnsealed(limit: number): Promise<readonly string[]>;
  countUnsealed(): Promise<{ readonly waiting: number; readonly oldestSeconds: number }>;
}

const UNIQUE_VIOLATION = '23505';

// `bigint` comes as text. There are far fewer seals than JavaScript can count: a number that it rounds was made up.
const number = z.coerce.number();

const sealRow = z.object({
  number,
  audit_id: z.string(),
  row_hash: z.string(),
  chain: z.string(),
  sealed_at: z.string(),
});
const headRow = z.union([
  z.object({ ...sealRow.shape, previous_chain: z.string().nullable(), now: z.string() }),
  z.object({ number: z.null(), now: z.string() }),
]);
const idRow = z.object({ id: z.string() });

export function createSealStore(database: Database): SealStore & SealReader {
  const ids = async (statement: string, limit: number): Promise<readonly string[]> =>
    (await database.query(statement, [limit])).map((row) => idRow.parse(row).id);
  return {
    async readUnsealed(limit) {
      const [[head] = [], rows = []] = await database.transaction([
        { text: withSealColumns(readSealHead), params: [] },
        { text: withSealableColumns(readUnsealed), params: [limit] },
      ]);
      return {
        head: toHead(head),
        now: headRow.parse(head).now,
        rows: rows.flatMap((row) => (isSealed(row) ? [] : [sealableRow.parse(row)])),
        requeued: rows.flatMap((row) => (isSealed(row) ? [sealableRow.parse(row).id] : [])),
      };
    },
    async append(seals, requeued) {
      const rows = seals.map((seal) => ({
        number: seal.number,
        audit_id: seal.auditId,
        row_hash: seal.rowHash,
        chain: seal.chain,
      }));
      try {
        await database.transaction([
          {
            text: insertSeals,
            params: [JSON.stringify(rows), seals[0]?.sealedAt ?? null, requeued],
          },
        ]);
        return true;
      } catch (error) {
        if (error instanceof DatabaseRejected && error.code === UNIQUE_VIOLATION) return false;
        throw error;
      }
    },
    async readHead() {
      return toHead((await database.query(withSealColumns(readSealHead), []))[0]);
    },
    async readSealed(after, limit) {
      const [rows = []] = await database.transaction([
        { text: withSealableColumns(withSealColumns(readSealed)), params: [after ?? null, limit] },
      ]);
      const sealed = rows.map((row) => ({
        seal: toSeal(row),
        row: row['id'] === null ? undefined : sealableRow.parse(row),
      }));
      return { sealed, next: rows.length < limit ? undefined : String(rows.at(-1)?.['number']) };
    },
    findInserted: (limit) => ids(findInserted, limit),
    findTakenUnsealed: (limit) => ids(findTakenUnsealed, limit),
    async countUnsealed() {
      const [row] = await database.query(countUnsealed, []);
      const counted = z.object({ waiting: z.number(), oldest_seconds: z.number() }).parse(row);
      return { waiting: counted.waiting, oldestSeconds: counted.oldest_seconds };
    },
  };
}

const isSealed = (row: Row): boolean => row['sealed'] === true;

function toHead(row: Row | undefined): SealHead | undefined {
  const head = headRow.parse(row);
  if (head.number === null) return undefined;
  const previousChain = head.number === 1 ? NO_CHAIN : (head.previous_chain ?? undefined);
  return { seal: toSeal(head), previousChain };
}

/** @param row the columns of `audit_seals`, hashes as hex */
export function toSeal(row: Row): Seal {
  const seal = sealRow.parse(row);
  return {
    number: seal.number,
    auditId: seal.audit_id,
    rowHash: seal.row_hash,
    chain: seal.chain,
    sealedAt: seal.sealed_at,
  };
}
