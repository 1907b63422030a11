import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import findPatientsToLink from '../../shared/contacts/find-patients-to-link.sql';
import { createMigratedDatabase } from '../support/migrated-database.ts';
import { rowsTouched } from '../support/rows-touched.ts';

/** As many as make PostgreSQL think that reading all contacts for each contact is cheap. */
const ROWS = 60_000;
const ASKED = 100;

let database: Awaited<ReturnType<typeof createMigratedDatabase>>;
beforeAll(async () => {
  database = await createMigratedDatabase();
  // As in the first minute of an import: nobody has counted what is in the tables.
  for (const table of ['patients', 'dynamics_contacts']) {
    await database.pool.query(`alter table ${table} set (autovacuum_enabled = off)`);
  }
  for (let from = 1; from <= ROWS; from += 500) {
    await database.pool.query(
      `with made as (
         insert into patients (organization_id, first_name, last_name, email, dynamics_contact_id)
         select $1, 'first' || n, 'last' || n, n || '@example.test', gen_random_uuid()
         from generate_series($2::int, $2::int + 499) n
         returning *
       )
       insert into dynamics_contacts (organization_id, contact_id, patient_id, seen)
       select organization_id, dynamics_contact_id::uuid, id,
         jsonb_build_object('firstName', first_name, 'lastName', last_name, 'email', email)
       from made`,
      [database.organizationId, from],
    );
  }
});
afterAll(() => database?.drop());

test('looking for the patients of new contacts costs as much as there are, while the tables are filled', async () => {
  const asked = Array.from({ length: ASKED }, (_, n) => ({
    organization_id: database.organizationId,
    contact_id: randomUUID(),
    first_name: `new${n}`,
    last_name: `new${n}`,
    email: `new${n}@example.test`,
  }));
  const touched = await rowsTouched(database.pool, findPatientsToLink, [JSON.stringify(asked)]);
  // A table that is read once for all of them is fine.
  expect(touched).toBeLessThanOrEqual(ROWS + ASKED);
});
