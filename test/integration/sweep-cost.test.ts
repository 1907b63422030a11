import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import readUnsealed from '../../shared/audit/read-unsealed.sql';
import { withSealableColumns } from '../../shared/audit/sealable-columns.ts';
import claimDueContacts from '../../shared/sweep/claim-due-contacts.sql';
import endDoubts from '../../shared/sweep/end-doubts.sql';
import expireConsents from '../../shared/sweep/expire-consents.sql';
import { createMigratedDatabase } from '../support/migrated-database.ts';
import { rowsTouched } from '../support/rows-touched.ts';

/** Enough that reading the whole table would show, few enough to be made in a second. */
const ROWS = 50_000;
const DUE = 40;

let database: Awaited<ReturnType<typeof createMigratedDatabase>>;
beforeAll(async () => {
  database = await createMigratedDatabase();
  await database.pool.query(
    `insert into patients (organization_id, first_name)
     select $1, 'n' || n from generate_series(1, ${ROWS}) n`,
    [database.organizationId],
  );
  await database.pool.query(
    `insert into dynamics_contacts (organization_id, contact_id, patient_id)
     select organization_id, gen_random_uuid(), id from patients`,
  );
  await database.pool.query(
    `insert into consents (organization_id, patient_id, consent_type, status, granted_at)
     select organization_id, id, 'treatment', 'active', now() from patients`,
  );
  await database.pool.query(
    `update dynamics_contacts set write_due_at = now() - interval '1 minute', doubt_until = now()
     where contact_id in (select contact_id from dynamics_contacts limit ${DUE})`,
  );
  await database.pool.query(
    `update consents set expires_at = now() where id in (select id from consents limit ${DUE})`,
  );
  await database.pool.query(
    `insert into audit_logs (action) select 'patient_created' from generate_series(1, ${ROWS})`,
  );
  await database.pool.query(
    `with sealed as (
       delete from audit_unsealed where position <= ${ROWS - DUE} returning position, audit_id
     )
     insert into audit_seals (number, audit_id, row_hash, chain, sealed_at)
     select row_number() over (order by position), audit_id, '', '', now() from sealed`,
  );
  await database.pool.query(
    'vacuum analyze dynamics_contacts, consents, patients, audit_logs, audit_seals, audit_unsealed',
  );
});
afterAll(() => database?.drop());

describe('what the clock costs depends on what is due, not on the size of the tables', () => {
  test.each([
    ['claiming due rows', claimDueContacts],
    ['ending doubts', endDoubts],
    ['marking expired consents', expireConsents],
    ['reading audit rows that wait for a seal', withSealableColumns(readUnsealed)],
  ])('%s', async (_, statement) => {
    const touched = await rowsTouched(database.pool, statement.replace('limit $1', 'limit 1000'));
    expect(touched).toBeGreaterThanOrEqual(DUE);
    expect(touched).toBeLessThan(DUE * 20);
  });
});
