import * as z from 'zod';
import type { Database } from '../database/database.ts';
import readSyncStatus from './read-sync-status.sql';

/** How far behind one direction is, as its rows show it. */
export interface DirectionStatus {
  /** Null: never yet. */
  readonly lastSuccessAt: Date | null;
  /** Rows whose clock is due now. One that failed is due again after its backoff. */
  readonly due: number;
  /** How long the longest of them has been due; null if none is. */
  readonly oldestSeconds: number | null;
}

export interface SyncStatus {
  /** Dynamics to ConsentHub. */
  readonly contacts: DirectionStatus;
  /** ConsentHub to Dynamics. */
  readonly consents: DirectionStatus;
}

export interface SyncStatusStore {
  /** Throws as `Database` does. */
  read(): Promise<SyncStatus>;
}

const seconds = z.number().nullable();
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
      const [rows = []] = await database.transaction([{ text: readSyncStatus, params: [] }]);
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
      };
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
