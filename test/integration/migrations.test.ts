import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { MIGRATIONS } from '../support/migrated-database.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const migrate = (directory = MIGRATIONS) =>
  migrateDatabase({ url: database.url, endpoint: database.neonEndpoint, directory });
const sql = async (text: string) => (await database.pool.query(text)).rows;

/** ConsentHub's tables as it might have made them itself, with enum types. */
const HOST_TABLES = `
  create type consent_status as enum ('pending', 'active', 'revoked', 'expired');
  create type audit_action as enum ('consent_granted', 'consent_revoked', 'patient_created');
  create table organizations (
    id uuid primary key default gen_random_uuid(), name varchar(200) not null,
    dynamics_org_id uuid unique, azure_tenant_id uuid, settings jsonb
  );
  create table patients (
    id uuid primary key default gen_random_uuid(), organization_id uuid not null references organizations,
    dynamics_contact_id uuid, first_name varchar(100), last_name varchar(100), email varchar(255),
    phone varchar(50), date_of_birth date, created_at timestamp default now(), updated_at timestamp default now()
  );
  create table consents (
    id uuid primary key default gen_random_uuid(), organization_id uuid not null, patient_id uuid not null,
    consent_type text, status consent_status, granted_at timestamptz, expires_at timestamptz,
    revoked_at timestamptz, dynamics_sync_status text, dynamics_synced_at timestamptz,
    created_at timestamptz, updated_at timestamptz
  );
  create table audit_logs (
    id uuid primary key default gen_random_uuid(), organization_id uuid, patient_id uuid, consent_id uuid,
    user_id uuid, action audit_action not null, old_values jsonb, new_values jsonb,
    timestamp timestamp not null default now(), checksum varchar(64)
  );
  insert into organizations (name) values ('Fictitious Clinic');
  insert into patients (organization_id, first_name) select id, 'Ada' from organizations;
  insert into audit_logs (action) values ('consent_granted');`;

describe('the migrations', () => {
  test('run on an empty database, and again without doing anything', async () => {
    expect((await migrate()).length).toBeGreaterThan(5);
    expect(await migrate()).toEqual([]);
    expect(await sql('select count(*)::int as n from dynamics_contacts')).toEqual([{ n: 0 }]);
  });

  test("leave ConsentHub's own tables and their rows alone", async () => {
    await sql(HOST_TABLES);
    await migrate();
    expect(await sql('select first_name from patients')).toEqual([{ first_name: 'Ada' }]);
    expect(
      await sql(`select data_type from information_schema.columns
        where table_name = 'patients' and column_name = 'dynamics_contact_id'`),
    ).toEqual([{ data_type: 'uuid' }]);
    const labels = await sql('select unnest(enum_range(null::audit_action))::text as label');
    expect(labels.map(({ label }) => label)).toEqual([
      'consent_granted',
      'consent_revoked',
      'patient_created',
      'patient_updated',
      'patient_linked',
      'patient_unlinked',
      'dynamics_sync',
      'consent_expired',
      'sync_requested',
      'connection_tested',
      'operator_command',
    ]);
  });

  test('can all be run again over what they made', async () => {
    await migrate();
    await sql('drop table dynamics_schema_version');
    expect((await migrate()).length).toBeGreaterThan(5);
  });

  test('are not undone by an older release that is deployed over a newer one', async () => {
    const older = await mkdtemp(join(tmpdir(), 'consenthub-older-'));
    try {
      await cp(MIGRATIONS, older, { recursive: true });
      await migrate();
      const schema = () => sql('select version, md5 from dynamics_schema_version order by version');
      const before = await schema();
      const newest = (await readdir(older)).toSorted().slice(-2);
      await Promise.all(newest.map((file) => rm(join(older, file))));
      expect(await migrate(older)).toEqual([]);
      expect(await schema()).toEqual(before);
    } finally {
      await rm(older, { recursive: true });
    }
  });

  test('run once when two deploys run them at the same time', async () => {
    const applied = await Promise.all([migrate(), migrate()]);
    expect(applied.map((names) => names.length).toSorted((a, b) => a - b)[0]).toBe(0);
  });

  test('mend an index whose build was interrupted', async () => {
    await migrate();
    await sql(
      'drop index dynamics_patients_email; delete from dynamics_schema_version where version >= 6',
    );
    await sql('insert into organizations (id) values (gen_random_uuid())');
    await sql("insert into patients (organization_id, email) select id, '' from organizations");
    const breaks =
      'create index concurrently dynamics_patients_email on patients ((1 / length(email)))';
    await expect(sql(breaks)).rejects.toThrow('division by zero');
    const state = () =>
      sql(`select indisvalid, pg_get_indexdef(indexrelid) like '%dynamics_match_text%' as ours from pg_index
        where indexrelid = 'dynamics_patients_email'::regclass`);
    expect(await state()).toEqual([{ indisvalid: false, ours: false }]);
    await migrate();
    expect(await state()).toEqual([{ indisvalid: true, ours: true }]);
  });

  test('say which one failed, with its SQLSTATE and nothing else', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
    try {
      await cp(MIGRATIONS, directory, { recursive: true });
      await writeFile(join(directory, '099.do.broken.sql'), "select 'Ada'::integer;");
      await expect(migrate(directory)).rejects.toMatchObject({
        name: 'MigrationFailed',
        migration: '99 broken',
        code: '22P02',
        message: expect.not.stringContaining('Ada'),
      });
      await writeFile(join(directory, '099.do.broken.sql'), 'select 1;');
      expect(await migrate(directory)).toEqual(['99 broken']);
      await writeFile(join(directory, '099.do.broken.sql'), 'select 2;');
      await expect(migrate(directory)).rejects.toThrow(/has been changed since/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('say so when there are none', async () => {
    await expect(migrate(tmpdir())).rejects.toThrow(/no migrations were found/);
  });
});

describe('the audit trail', () => {
  test.each([
    "update audit_logs set outcome = 'forged'",
    'delete from audit_logs',
    'truncate audit_logs',
  ])('refuses %j', async (statement) => {
    await migrate();
    await sql("insert into audit_logs (action) values ('consent_granted')");
    await expect(sql(statement)).rejects.toMatchObject({ code: '42501' });
    expect(await sql('select action from audit_logs')).toHaveLength(1);
  });
});

describe("a patient's row", () => {
  const ids = `'${'1'.repeat(8)}-1111-4111-8111-111111111111'`;
  beforeEach(async () => {
    await migrate();
    await sql(`insert into organizations (id) values (${ids});
      insert into patients (id, organization_id, email) values (${ids}, ${ids}, 'a@example.test');
      insert into dynamics_contacts (organization_id, contact_id, patient_id, seen)
        values (${ids}, ${ids}, ${ids}, '{"email": "a@example.test"}')`);
  });
  const row = async () =>
    (await sql('select revision::int, write_due_at, patient_id, seen from dynamics_contacts'))[0];

  test('becomes due when ConsentHub changes the patient', async () => {
    await sql("update patients set email = 'b@example.test'");
    expect(await row()).toMatchObject({ revision: 2, write_due_at: expect.any(Date) });
  });

  test('stays as it is when nothing that Dynamics shows changes', async () => {
    await sql("update patients set date_of_birth = '2000-01-01', updated_at = now()");
    expect(await row()).toMatchObject({ revision: 1, write_due_at: null });
  });

  test('stays as it is for our own writes', async () => {
    const client = await database.pool.connect();
    await client.query('begin');
    await client.query("select set_config('consenthub_dynamics.own_write', 'on', true)");
    await client.query("update patients set email = 'c@example.test'");
    await client.query('commit');
    client.release();
    expect(await row()).toMatchObject({ revision: 1, write_due_at: null });
  });

  test('forgets the person when ConsentHub erases the patient', async () => {
    await sql('delete from patients');
    expect(await row()).toMatchObject({ revision: 2, patient_id: null, seen: null });
  });
});
