import { type Edit, PATIENT_COLUMNS } from './consenthub.ts';
import type { SimulatedDatabase } from './database.ts';
import { type Organization, PROFILE_COLUMNS } from './dataverse.ts';
import type { World } from './world.ts';

interface StateRow {
  readonly contact_id: string;
  readonly version: string | null;
  readonly deleted: boolean;
  readonly patient_id: string | null;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
}

const STATE = `
  select c.contact_id, c.version::text as version, c.deleted_at is not null as deleted, c.patient_id,
    p.first_name, p.last_name, p.email, p.phone
  from dynamics_contacts c
  left join patients p on p.id = c.patient_id
  order by c.contact_id`;

/** What Neon has said of a contact so far. */
interface Known {
  version: bigint;
  /** Deletions that it had seen when the tombstone was set; undefined while there is none. */
  tombstoneAt: number | undefined;
  /** For each field, the place of the newest edit of Dynamics that it has shown. */
  readonly shown: Map<string, number>;
}

/**
 * After each of our commits: what Neon says of a contact never goes back to an older state, and
 * nothing deleted comes back unless Dynamics shows it again (invariant 2).
 */
export function createContactCheck(
  world: World,
  database: SimulatedDatabase,
  organization: Organization,
  edits: readonly Edit[],
  labels: Map<string, string>,
): { afterCommit(): Promise<void> } {
  const known = new Map<string, Known>();

  async function afterCommit() {
    for (const row of await database.sql<StateRow>(STATE)) {
      const contact = organization.contacts.get(row.contact_id);
      if (contact === undefined) continue;
      const before = known.get(contact.id) ?? {
        version: 0n,
        tombstoneAt: undefined,
        shown: new Map<string, number>(),
      };
      known.set(contact.id, before);
      if (row.patient_id !== null) labels.set(row.patient_id, `patient of ${contact.name}`);

      const version = BigInt(row.version ?? before.version);
      if (version < before.version) {
        world.violation('Neon never goes back', `the version of ${contact.name}`);
      }
      before.version = version;

      if (row.deleted) before.tombstoneAt ??= contact.deaths;
      else if (before.tombstoneAt !== undefined) {
        if (contact.lives <= before.tombstoneAt) {
          world.violation('nothing deleted comes back', contact.name);
        }
        before.tombstoneAt = undefined;
      }

      for (const column of row.patient_id === null ? [] : PROFILE_COLUMNS) {
        const value = row[PATIENT_COLUMNS[column] as 'first_name'];
        const place = edits
          .filter((edit) => edit.contact === contact && edit.column === column)
          .filter(({ by }) => by === 'Dynamics')
          .findIndex((edit) => edit.value === value);
        if (place < 0) continue;
        if (place < (before.shown.get(column) ?? 0)) {
          world.violation('Neon never goes back', `${column} of ${contact.name}`);
        }
        before.shown.set(column, place);
      }
    }
  }

  return { afterCommit };
}
