import * as z from 'zod';
import type { Database } from '../database/database.ts';
import claimDueContacts from './claim-due-contacts.sql';
import endDoubts from './end-doubts.sql';
import expireConsents from './expire-consents.sql';

/** A row whose clock was due; the clock has been moved on. */
export interface DueContact {
  readonly organizationId: string;
  /** Null only if the organisation has lost its Dynamics since. */
  readonly dataverseOrganizationId: string | null;
  readonly contactId: string;
  readonly patientId: string | null;
  /** The contact has to be read again. */
  readonly readDue: boolean;
  /** The contact has to be written again; it is linked. */
  readonly writeDue: boolean;
}

/** What the clock does. Each takes how much it may do at the most and costs what is due. Throws as `Database` does. */
export interface SweepStore {
  /** Marks consents whose time is over; returns how many. */
  expireConsents(limit: number): Promise<number>;
  /** Makes rows due whose write of unknown outcome cannot land late any more; returns how many. */
  endDoubts(limit: number): Promise<number>;
  /** Takes due rows, those that waited longest first. */
  claimDue(limit: number): Promise<readonly DueContact[]>;
}

const dueRow = z.object({
  organization_id: z.string(),
  dataverse_organization_id: z.string().nullable(),
  contact_id: z.string(),
  patient_id: z.string().nullable(),
  read_due: z.boolean(),
  write_due: z.boolean(),
});

export function createSweepStore(database: Database): SweepStore {
  return {
    async expireConsents(limit) {
      const [row] = await database.query(expireConsents, [limit]);
      return z.object({ expired: z.number() }).parse(row).expired;
    },
    async endDoubts(limit) {
      const [row] = await database.query(endDoubts, [limit]);
      return z.object({ ended: z.number() }).parse(row).ended;
    },
    async claimDue(limit) {
      const rows = await database.query(claimDueContacts, [limit]);
      return rows.map((row) => {
        const due = dueRow.parse(row);
        return {
          organizationId: due.organization_id,
          dataverseOrganizationId: due.dataverse_organization_id,
          contactId: due.contact_id,
          patientId: due.patient_id,
          readDue: due.read_due,
          writeDue: due.write_due,
        };
      });
    },
  };
}
