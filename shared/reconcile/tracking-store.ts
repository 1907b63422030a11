import * as z from 'zod';
import type { Database } from '../database/database.ts';
import askMissing from './ask-missing.sql';
import countMissing from './count-missing.sql';
import forgetVersions from './forget-versions.sql';
import markListed from './mark-listed.sql';
import saveRun from './save-run.sql';
import takeRun from './take-run.sql';
import { type TrackingProblem, trackingProblem } from './tracking-problem.ts';

/**
 * Longer than the slowest step between two savings: a page of Dataverse's (60 s), or a chunk of it with
 * all its statements. Whoever was killed keeps the next run waiting for no longer than this.
 */
const LEASE_SECONDS = 180;

/** A run with its lease, and where the organisation's change tracking is. */
export interface Run {
  readonly organizationId: string;
  readonly leaseToken: string;
  readonly link: string | null;
  readonly nextPage: string | null;
  /** A full read is under way; with a `link` it has listed everything. */
  readonly fullRead: boolean;
  /** How long it has been. */
  readonly fullReadSeconds: number | null;
  /** A full read was finished once. */
  readonly imported: boolean;
  /** Contacts that the last full read has listed, and linked. */
  readonly listed: number;
  readonly linked: number;
  readonly problem: TrackingProblem | null;
  /** The database's clock when this was read, in milliseconds since 1970. */
  readonly nowMs: number;
}

/** Columns that a step changes; what is not named stays. */
export type RunChange = Partial<
  Pick<Run, 'link' | 'nextPage' | 'listed' | 'linked' | 'problem'> & {
    readonly fullRead: 'begins' | 'ends';
    /** The changes were read to their end. */
    readonly finished: true;
    readonly imported: boolean;
  }
>;

/** The lease has ended, or another run has taken it: nothing was saved. */
export class RunOvertaken extends Error {
  override readonly name = 'RunOvertaken';
}

/** How far the contacts were read. All methods throw as `Database` does. */
export interface TrackingStore {
  /** Begins a run. `unknown`: no organisation, or more than one, has this Dataverse organisation. */
  take(dataverseOrganizationId: string, leaseToken: string): Promise<Run | 'busy' | 'unknown'>;
  /** Saves a step and prolongs the lease. @throws RunOvertaken */
  save(run: Run, change: RunChange): Promise<Run>;
  /** Gives the lease back; the run is over. */
  release(run: Run): Promise<void>;
  /** Notes that contacts were on a page of the full read. */
  markListed(run: Run, contactIds: readonly string[]): Promise<void>;
  countMissing(run: Run): Promise<{ readonly known: number; readonly missing: number }>;
  /** Makes some of the missing contacts due for a read, spread over time; returns how many. */
  askMissing(
    run: Run,
    many: { readonly limit: number; readonly before: number; readonly perSecond: number },
  ): Promise<number>;
  /** Forgets the versions of some rows; returns how many. */
  forgetVersions(run: Run, limit: number): Promise<number>;
}

const text = z.string().nullable();
const runRow = z.object({
  organizations: z.number(),
  organization_id: text,
  link: text,
  next_page: text,
  problem: trackingProblem,
  full_read: z.boolean(),
  imported: z.boolean(),
  listed: z.number().nullable(),
  linked: z.number().nullable(),
  full_read_seconds: z.number().nullable(),
  now_seconds: z.number(),
});

export function createTrackingStore(database: Database): TrackingStore {
  async function write(run: Run, change: RunChange, leaseSeconds: number): Promise<Run> {
    const position = { link: run.link, next_page: run.nextPage };
    const [row] = await database.query(saveRun, [
      run.organizationId,
      run.leaseToken,
      JSON.stringify(position),
      JSON.stringify(columnsOf(change)),
      leaseSeconds,
    ]);
    if (row === undefined) throw new RunOvertaken();
    return toRun(runRow.parse(row), run.leaseToken) ?? run;
  }

  async function count(sql: string, params: readonly unknown[], name: string): Promise<number> {
    const [row] = await database.query(sql, params);
    return z.number().parse(row?.[name]);
  }

  return {
    async take(dataverseOrganizationId, leaseToken) {
      const [row] = await database.query(takeRun, [
        dataverseOrganizationId,
        leaseToken,
        LEASE_SECONDS,
      ]);
      const taken = runRow.parse(row);
      return toRun(taken, leaseToken) ?? (taken.organizations === 1 ? 'busy' : 'unknown');
    },

    save: (run, change) => write(run, change, LEASE_SECONDS),

    async release(run) {
      await write(run, {}, 0);
    },

    async markListed(run, contactIds) {
      if (contactIds.length === 0) return;
      await database.query(markListed, [run.organizationId, JSON.stringify(contactIds)]);
    },

    async countMissing(run) {
      const [row] = await database.query(countMissing, [run.organizationId]);
      // Without a row of its own there is nothing that could be missing.
      return z.object({ known: z.number(), missing: z.number() }).parse(row);
    },

    askMissing: (run, { limit, before, perSecond }) =>
      count(askMissing, [run.organizationId, limit, before, perSecond], 'asked'),

    forgetVersions: (run, limit) => count(forgetVersions, [run.organizationId, limit], 'forgotten'),
  };
}

/** The columns of `save-run.sql`. */
function columnsOf({ link, nextPage, listed, linked, problem, ...steps }: RunChange) {
  const { fullRead, finished, imported } = steps;
  return {
    ...(link !== undefined && { link }),
    ...(nextPage !== undefined && { next_page: nextPage }),
    ...(listed !== undefined && { listed }),
    ...(linked !== undefined && { linked }),
    ...(problem !== undefined && { problem }),
    ...(fullRead !== undefined && { full_read: fullRead }),
    ...(finished && { finished }),
    ...(imported !== undefined && { imported }),
  };
}

function toRun(row: z.output<typeof runRow>, leaseToken: string): Run | undefined {
  if (row.organization_id === null) return undefined;
  return {
    organizationId: row.organization_id,
    leaseToken,
    link: row.link,
    nextPage: row.next_page,
    fullRead: row.full_read,
    fullReadSeconds: row.full_read_seconds,
    imported: row.imported,
    listed: row.listed ?? 0,
    linked: row.linked ?? 0,
    problem: row.problem,
    nowMs: row.now_seconds * 1000,
  };
}
