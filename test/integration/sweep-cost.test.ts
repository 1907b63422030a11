import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import claimDueContacts from '../../shared/sweep/claim-due-contacts.sql';
import endDoubts from '../../shared/sweep/end-doubts.sql';
import expireConsents from '../../shared/sweep/expire-consents.sql';
import { createMigratedDatabase } from '../support/migrated-database.ts';

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
  await database.pool.query('vacuum analyze dynamics_contacts, consents, patients');
});
afterAll(() => database?.drop());

interface Plan {
  Plans?: Plan[];
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
}

/** Rows that a statement has looked at in the large tables, in all of its parts. */
async function rowsTouched(statement: string): Promise<number> {
  const client = await database.pool.connect();
  try {
    await client.query('begin');
    const { rows } = await client.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(
      `explain (analyze, format json) ${statement.replace('limit $1', 'limit 1000')}`,
    );
    await client.query('rollback');
    const count = (plan: Plan): number =>
      (plan['Relation Name'] === undefined
        ? 0
        : (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops']) +
      (plan.Plans ?? []).reduce((sum, part) => sum + count(part), 0);
    const root = rows[0]?.['QUERY PLAN'][0]?.Plan;
    if (root === undefined) throw new Error('no plan');
    return count(root);
  } finally {
    client.release();
  }
}

describe('what the clock costs depends on what is due, not on the size of the tables', () => {
  test.each([
    ['claiming due rows', claimDueContacts],
    ['ending doubts', endDoubts],
    ['marking expired consents', expireConsents],
  ])('%s', async (_, statement) => {
    const touched = await rowsTouched(statement);
    expect(touched).toBeGreaterThanOrEqual(DUE);
    expect(touched).toBeLessThan(DUE * 20);
  });
});
