import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../shared/database/database.ts';
import {
  createSyncStatusStore,
  type SyncStatusStore,
} from '../../shared/sync-status/sync-status-store.ts';
import { createMigratedDatabase } from '../support/migrated-database.ts';

let database: Awaited<ReturnType<typeof createMigratedDatabase>>;
let store: SyncStatusStore;
beforeAll(async () => {
  database = await createMigratedDatabase();
  store = createSyncStatusStore(
    createDatabase({ url: database.url, endpoint: database.neonEndpoint }),
  );
});
afterAll(() => database?.drop());

const audit = (action: string, outcome: string, source: string | null, at: string) =>
  database.pool.query(
    'insert into audit_logs (action, outcome, source, "timestamp") values ($1, $2, $3, $4)',
    [action, outcome, source, at],
  );

test('nothing has happened yet', async () => {
  const idle = { lastSuccessAt: null, due: 0, oldestSeconds: null };
  expect(await store.read()).toEqual({
    contacts: idle,
    consents: idle,
    trackingProblems: [],
    patientsToMerge: 0,
  });
});

test('knows the organisation that exactly one of ConsentHub has', async () => {
  const [id, upperCase] = ['0a', '0A'].map((start) => `${start}000000-0000-4000-8000-00000000000f`);
  expect(await store.isKnown(id ?? '')).toBe(false);
  const insert = 'insert into organizations (name, dynamics_org_id) values ($1, $2)';
  await database.pool.query(insert, ['Fictitious Clinic', upperCase]);
  expect(await store.isKnown(id ?? '')).toBe(true);
  expect(await store.isKnown(upperCase ?? '')).toBe(true);
  await database.pool.query(insert, ['Fictitious Practice', id]);
  expect(await store.isKnown(id ?? '')).toBe(false);
});

test('counts the rows whose clock is due in each direction, and since when the longest', async () => {
  const { rows } = await database.pool.query<{ id: string }>(
    'insert into patients (organization_id) values ($1) returning id',
    [database.organizationId],
  );
  await database.pool.query(
    `insert into dynamics_contacts
       (organization_id, contact_id, patient_id, read_due_at, write_due_at)
     values
       -- To be read, for an hour, and to be written, later.
       ($1, gen_random_uuid(), $2, now() - interval '1 hour', now() + interval '1 hour'),
       ($1, gen_random_uuid(), null, now() - interval '1 minute', null),
       -- Nobody is linked: nothing to write.
       ($1, gen_random_uuid(), null, null, now() - interval '1 day'),
       ($1, gen_random_uuid(), null, null, null)`,
    [database.organizationId, rows[0]?.id],
  );
  const { contacts, consents } = await store.read();
  expect(contacts.due).toBe(2);
  expect(contacts.oldestSeconds).toBeGreaterThanOrEqual(3_600);
  expect(contacts.oldestSeconds).toBeLessThan(3_700);
  expect(consents).toMatchObject({ due: 0, oldestSeconds: null });
  await database.pool.query(
    'update dynamics_contacts set write_due_at = now() where patient_id = $1',
    [rows[0]?.id],
  );
  expect((await store.read()).consents).toMatchObject({ due: 1, oldestSeconds: 0 });
});

test.each([
  // A try sets the clock forward: by its wait, or while it is under way.
  [1, 2, 1],
  [6, 60, 63],
  [10, 60, 303],
  [66, 120, 3_663],
  [67, 300, 3_963],
])(
  'a row that has failed %i times and comes again in %i s is behind all the same: for %i s',
  async (attempts, seconds, behind) => {
    const { rows } = await database.pool.query<{ id: string }>(
      'insert into patients (organization_id) select $1 from generate_series(1, 3) returning id',
      [database.organizationId],
    );
    await database.pool.query('delete from dynamics_contacts');
    await database.pool.query(
      `insert into dynamics_contacts
         (organization_id, contact_id, patient_id, read_due_at, write_due_at, attempts)
       values
         ($1, gen_random_uuid(), $2, now() + $3 * interval '1 second',
          now() + $3 * interval '1 second', $4),
         -- Waits for nothing but its time.
         ($1, gen_random_uuid(), $5, now() + interval '10 seconds', now() + interval '1 day', 0),
         ($1, gen_random_uuid(), $6, null, now() + interval '1 day', $4)`,
      [database.organizationId, rows[0]?.id, seconds, attempts, rows[1]?.id, rows[2]?.id],
    );
    const { contacts, consents } = await store.read();
    expect(contacts).toMatchObject({ due: 1, oldestSeconds: behind });
    expect(consents).toMatchObject({ due: 1, oldestSeconds: behind });
    await database.pool.query('delete from dynamics_contacts');
  },
);

test('takes the latest success of each direction, and no failure and no row of ConsentHub itself', async () => {
  await audit('patient_created', 'applied', 'webhook', '2026-03-01T10:00:00Z');
  await audit('patient_updated', 'unchanged', 'sweep', '2026-03-01T11:00:00.250Z');
  await audit('patient_updated', 'unreadable', 'webhook', '2026-03-01T12:00:00Z');
  await audit('patient_updated', 'applied', null, '2026-03-01T13:00:00Z');
  await audit('dynamics_sync', 'applied', 'consenthub', '2026-03-01T09:00:00Z');
  await audit('consent_expired', 'applied', 'sweep', '2026-03-01T14:00:00Z');
  const { contacts, consents } = await store.read();
  expect(contacts.lastSuccessAt).toEqual(new Date('2026-03-01T11:00:00.250Z'));
  expect(consents.lastSuccessAt).toEqual(new Date('2026-03-01T09:00:00Z'));
});

test('reads the same where ConsentHub keeps its actions in an enum type', async () => {
  const before = await store.read();
  await database.pool.query(`
    create type audit_action as enum (
      'patient_created', 'patient_updated', 'patient_linked', 'patient_unlinked', 'dynamics_sync',
      'consent_expired'
    );
    alter table audit_logs alter column action type audit_action using action::audit_action;
  `);
  const after = await store.read();
  expect(after.contacts.lastSuccessAt).toEqual(before.contacts.lastSuccessAt);
  expect(after.consents.lastSuccessAt).toEqual(before.consents.lastSuccessAt);
});

test('counts merged contacts whose master has another patient', async () => {
  const { rows } = await database.pool.query<{ id: string }>(
    `insert into patients (organization_id) select $1::uuid from generate_series(1, 5) returning id`,
    [database.organizationId],
  );
  const [master, other, moved, deleted, alone] = rows.map(({ id }) => id);
  await database.pool.query(
    `insert into dynamics_contacts
       (organization_id, contact_id, patient_id, former_patient_id, merged_into)
     values
       ($1, '00000000-0000-4000-8000-000000000001', $2, null, null),
       -- Both have a patient.
       ($1, gen_random_uuid(), $3, null, '00000000-0000-4000-8000-000000000001'),
       -- Deleted since, and its patient counts all the same.
       ($1, gen_random_uuid(), null, $4, '00000000-0000-4000-8000-000000000001'),
       -- It had none, or its patient is the master's now.
       ($1, gen_random_uuid(), null, null, '00000000-0000-4000-8000-000000000001'),
       ($1, gen_random_uuid(), null, $2, '00000000-0000-4000-8000-000000000001'),
       -- The master is still to be read, and will take it over.
       ($1, gen_random_uuid(), $5, null, '00000000-0000-4000-8000-000000000002')`,
    [database.organizationId, master, other, deleted, alone],
  );
  expect((await store.read()).patientsToMerge).toBe(2);
  // ConsentHub merges: one of the two is gone.
  await database.pool.query('delete from patients where id = any($1)', [[other, moved]]);
  expect((await store.read()).patientsToMerge).toBe(1);
});
