import { setTimeout as delay } from 'node:timers/promises';
import type { RunningStack } from '../running-stack.ts';
import { isAway } from './consenthub.ts';
import { editsShown, type Person } from './person.ts';

const PAUSE_MS = 250;

const LOOK = `
  select c.contact_id::text as contact_id, c.version::text as version,
    c.deleted_at is not null as deleted, c.patient_id::text as patient_id, p.first_name
  from dynamics_contacts c
  left join patients p on p.id = c.patient_id`;

interface Seen {
  readonly contact_id: string;
  readonly version: string | null;
  readonly deleted: boolean;
  readonly patient_id: string | null;
  readonly first_name: string | null;
}

interface Known {
  version: bigint;
  edits: number;
  deleted: boolean;
  /** How often a tombstone was seen to be set. */
  tombstones: number;
}

/**
 * Looks at the rows again and again: nothing that was seen may go back to an older state, and a
 * tombstone may be lifted only after a restore.
 */
export function createObserver(it: RunningStack, people: readonly Person[]) {
  const known = new Map<string, Known>();
  const regressed: string[] = [];
  const resurrected: string[] = [];
  let samples = 0;

  function look(rows: readonly Seen[]): void {
    const byContact = new Map(people.map((person) => [person.contactId, person]));
    for (const row of rows) {
      const person = byContact.get(row.contact_id);
      if (person === undefined) continue;
      const before = known.get(row.contact_id) ?? {
        version: 0n,
        edits: 0,
        deleted: false,
        tombstones: 0,
      };
      known.set(row.contact_id, before);

      const version = BigInt(row.version ?? 0n);
      if (version < before.version) regressed.push(`the version of contact ${row.contact_id}`);
      before.version = version;

      const edits = row.first_name === null ? before.edits : editsShown(row.first_name);
      if (edits < before.edits) regressed.push(`the patient of contact ${row.contact_id}`);
      before.edits = edits;

      if (row.deleted && !before.deleted) before.tombstones += 1;
      // The n-th tombstone proves n deaths; being there again takes one life more.
      if (before.deleted && !row.deleted && person.lives <= before.tombstones) {
        resurrected.push(`contact ${row.contact_id}, without a restore`);
      }
      before.deleted = row.deleted;
      if (row.patient_id !== null) person.patient.resolve(row.patient_id);
    }
  }

  return {
    regressed,
    resurrected,
    samples: () => samples,

    async observe(over: AbortSignal): Promise<void> {
      while (!over.aborted) {
        try {
          look(await it.sql<Seen>(LOOK));
          samples += 1;
        } catch (error) {
          // The database is made to fail; it is looked at again when it is back.
          if (!isAway(error)) throw error;
        }
        await delay(PAUSE_MS);
      }
    },
  };
}
