import * as z from 'zod';
import type { Database } from '../database/database.ts';
import { TRACKING_PROBLEMS, type TrackingProblem } from '../reconcile/tracking-problem.ts';
import countOrganizations from './count-organizations.sql';
import countPatientsToMerge from './count-patients-to-merge.sql';
import readTrackingProblems from './read-tracking-problems.sql';
import readSyncStatus from './read-sync-status.sql';

/** How far behind one direction is, as its rows show it. */
export interface DirectionStatus {
  /** Null: never yet. */
  readonly lastSuccessAt: Date | null;
  /** Rows whose clock is due now, and those whose last try has failed. */
  readonly due: number;
  /** How long the longest of them has been due, about, where tries have failed; null if none is. */
  readonly oldestSeconds: number | null;
}

export interface SyncStatus {
  /** Dynamics to ConsentHub. */
  readonly contacts: DirectionStatus;
  /** ConsentHub to Dynamics. */
  readonly consents: DirectionStatus;
  /** What keeps the reconciler from its work. */
  readonly trackingProblems: readonly TrackingProblem[];
  /** Merged contacts whose master has another patient; `MAX_PATIENTS_TO_MERGE`: so many or more. */
  readonly patientsToMerge: number;
}

/** Nobody acts on a larger number in another way, and counting on would cost what the table holds. */
export const MAX_PATIENTS_TO_MERGE = 1_000;

export interface SyncStatusStore {
  /** Throws as `Database` does. */
  read(): Promise<SyncStatus>;
  /** Whether exactly one of ConsentHub's organisations has this Dynamics. Throws as `Database` does. */
  isKnown(dataverseOrganizationId: string): Promise<boolean>;
}

const seconds = z.number().nullable();
const countRow = z.object({ count: z.number() });
const problemRow = z.object({ problem: z.enum(TRACKING_PROBLEMS) });
const statusRow = z.object({
  contacts_due: z.number(),
  contacts_oldest_seconds: seconds,
  contacts_success_seconds: seconds,
  consents_due: z.number(),
  consents_oldest_seconds: seconds,
  consents_success_seconds: seconds,
});

export function createSyncStatusStore(database: Database): SyncStatusStore {
  return {
    async read() {
      // In a transaction times are UTC, also where ConsentHub's column has no time zone.
      const [rows = [], problems = [], toMerge = []] = await database.transaction([
        { text: readSyncStatus, params: [] },
        { text: readTrackingProblems, params: [] },
        { text: countPatientsToMerge, params: [MAX_PATIENTS_TO_MERGE] },
      ]);
      const row = statusRow.parse(rows[0]);
      return {
        contacts: direction(
          row.contacts_due,
          row.contacts_oldest_seconds,
          row.contacts_success_seconds,
        ),
        consents: direction(
          row.consents_due,
          row.consents_oldest_seconds,
          row.consents_success_seconds,
        ),
        trackingProblems: problems.map((one) => problemRow.parse(one).problem),
        patientsToMerge: countRow.parse(toMerge[0]).count,
      };
    },
    async isKnown(dataverseOrganizationId) {
      const [row] = await database.query(countOrganizations, [dataverseOrganizationId]);
      return countRow.parse(row).count === 1;
    },
  };
}

function direction(
  due: number,
  oldestSeconds: number | null,
  successSeconds: number | null,
): DirectionStatus {
  return {
    lastSuccessAt: successSeconds === null ? null : new Date(successSeconds * 1000),
    due,
    oldestSeconds: oldestSeconds === null ? null : Math.floor(oldestSeconds),
  };
}
