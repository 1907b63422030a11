import { type Edit, PATIENT_COLUMNS } from './consenthub.ts';
import type { CommitWatch, NamedStatement, SimulatedDatabase } from './database.ts';
import { type Contact, type Organization, PROFILE_COLUMNS } from './organization.ts';
import type { World } from './world.ts';

interface StateRow {
  readonly contact_id: string;
  readonly version: string | null;
  readonly deleted: boolean;
  readonly merged_into: string | null;
  readonly patient_id: string | null;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly write_due: boolean;
  readonly agrees: boolean;
}

const STATE = `
  select c.contact_id, c.version::text as version, c.deleted_at is not null as deleted, c.merged_into,
    c.patient_id,
    p.first_name, p.last_name, p.email, p.phone, c.write_due_at is not null as write_due,
    c.seen = jsonb_build_object('firstName', p.first_name, 'lastName', p.last_name, 'email', p.email,
      'phone', p.phone) as agrees
  from dynamics_contacts c
  left join patients p on p.id = c.patient_id
  order by c.contact_id`;

const applies = (statements: readonly NamedStatement[]) =>
  statements.some(({ name }) => name === 'apply-contacts');

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
): CommitWatch {
  const known = new Map<string, Known>();
  let before: readonly StateRow[] = [];

  /** What came from Dynamics is not sent back: our own statements are no change of ConsentHub's. */
  function checkSilence(row: StateRow, contact: Contact) {
    // What a user has edited of the consent fields is written again.
    if (contact.consentsEdited) return;
    // What a merge has changed at another contact shows here.
    if (contact.isMaster) return;
    const was = before.find(({ contact_id }) => contact_id === row.contact_id);
    if (was === undefined || was.patient_id !== row.patient_id || !row.agrees) return;
    if (row.write_due && !was.write_due) {
      world.violation('our own statements are silent', `a clock of ${labels.get(row.contact_id)}`);
    }
  }

  async function check() {
    for (const row of await database.sql<StateRow>(STATE)) {
      const contact = organization.contacts.get(row.contact_id);
      if (contact === undefined) continue;
      const shownSoFar = known.get(contact.id) ?? {
        version: 0n,
        tombstoneAt: undefined,
        shown: new Map<string, number>(),
      };
      known.set(contact.id, shownSoFar);
      if (row.patient_id !== null) labels.set(row.patient_id, `patient of ${contact.name}`);
      contact.mergeSeen ||= row.merged_into !== null;
      checkSilence(row, contact);

      const version = BigInt(row.version ?? shownSoFar.version);
      if (version < shownSoFar.version) {
        world.violation('Neon never goes back', `the version of ${contact.name}`);
      }
      shownSoFar.version = version;

      if (row.deleted) shownSoFar.tombstoneAt ??= contact.deaths;
      else if (shownSoFar.tombstoneAt !== undefined) {
        if (contact.lives <= shownSoFar.tombstoneAt) {
          world.violation('nothing deleted comes back', contact.name);
        }
        shownSoFar.tombstoneAt = undefined;
      }

      for (const column of row.patient_id === null ? [] : PROFILE_COLUMNS) {
        const value = row[PATIENT_COLUMNS[column] as 'first_name'];
        const place = edits
          .filter((edit) => edit.contact === contact && edit.column === column)
          .filter(({ by }) => by === 'Dynamics')
          .findIndex((edit) => edit.value === value);
        if (place < 0) continue;
        if (place < (shownSoFar.shown.get(column) ?? 0)) {
          world.violation('Neon never goes back', `${column} of ${contact.name}`);
        }
        shownSoFar.shown.set(column, place);
      }
    }
  }

  return {
    async before(statements) {
      if (applies(statements)) before = await database.sql<StateRow>(STATE);
    },
    async after(statements) {
      if (applies(statements)) await check();
    },
  };
}
