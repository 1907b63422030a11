import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createContactStore } from '../../../shared/contacts/contact-store.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import { migrateDatabase } from '../../../shared/database/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { MIGRATIONS } from '../../support/migrated-database.ts';
import { startSyncContact, type SyncContactFixture } from './fixture.ts';

/** How this project and ConsentHub, with tables, roles and transactions of its own, get along. */
let it: SyncContactFixture;
beforeAll(async () => {
  it = await startSyncContact();
});
afterAll(() => it?.close());

let counter = 0;
async function synced() {
  const id = await it.dynamics.createContact({
    firstname: 'Ada',
    lastname: `Fictitious${(counter += 1)}`,
    emailaddress1: `ada${counter}@example.test`,
    telephone1: '1',
  });
  await it.sync([it.event(id, 'contact.created')]);
  return id;
}
const change = (id: string, values: object) =>
  it.dynamics.control('PATCH', `/contacts/${id}`, values);

describe("ConsentHub's transactions", () => {
  test('are never the victim of a deadlock with us', { tags: ['fault-19'] }, async () => {
    const id = await synced();
    await change(id, { firstname: 'Eve' });
    const host = await it.database.pool.connect();
    await host.query('begin');
    await host.query('select 1 from patients where dynamics_contact_id = $1 for update', [id]);
    const ours = it.sync([it.event(id)]);
    await expect
      .poll(async () => (await it.sql('select 1 from pg_locks where not granted')).length)
      .toBeGreaterThan(0);
    await host.query("update patients set phone = '2' where dynamics_contact_id = $1", [id]);
    await host.query('commit');
    host.release();
    expect(await ours).toEqual([{ kind: 'done' }]);
    expect(await it.state(id)).toMatchObject({ first_name: 'Eve', phone: '2' });
  });

  test('that hold one patient locked for long delay that patient, not its neighbours', {
    tags: ['fault-13'],
  }, async () => {
    const [held, free] = [await synced(), await synced()];
    for (const id of [held, free]) await change(id, { firstname: 'Eve' });
    const host = await it.database.pool.connect();
    await host.query('begin');
    await host.query('select 1 from patients where dynamics_contact_id = $1 for update', [held]);
    expect(await it.sync([it.event(held), it.event(free)])).toEqual([
      { kind: 'retry', afterSeconds: 1, cause: 'message' },
      { kind: 'done' },
    ]);
    await host.query('rollback');
    host.release();
    expect(await it.state(free)).toMatchObject({ first_name: 'Eve' });
  });

  test('work with a role that knows nothing of our table, whatever its search_path', async () => {
    const id = await synced();
    const role = `host_${crypto.randomUUID().replaceAll('-', '')}`;
    await it.sql(`create role ${role}`);
    const host = await it.database.pool.connect();
    try {
      await host.query(`grant ${role} to current_user`);
      await host.query(`grant select, insert, update, delete on patients, consents to ${role}`);
      await host.query(`set role ${role}; set search_path = pg_catalog`);
      await host.query("update public.patients set phone = '3' where dynamics_contact_id = $1", [
        id,
      ]);
      await host.query(
        `insert into public.consents (organization_id, patient_id, consent_type, status)
         select organization_id, id, 'marketing_email', 'active' from public.patients
         where dynamics_contact_id = $1`,
        [id],
      );
      await host.query(
        'delete from public.consents where patient_id = (select id from public.patients where dynamics_contact_id = $1)',
        [id],
      );
      await host.query('delete from public.patients where dynamics_contact_id = $1', [id]);
    } finally {
      await host.query('reset role; reset search_path');
      await host.query(`drop owned by ${role}; drop role ${role}`);
      host.release();
    }
    expect(await it.state(id)).toMatchObject({ linked: false });
  });

  test('that raise an error for one patient are not the business of others', async () => {
    await it.sql(`create function host_rule() returns trigger language plpgsql as $$
      begin if new.first_name = 'Forbidden' then raise exception 'Ada must not'; end if; return new; end $$;
      create trigger host_rule before update on patients for each row execute function host_rule()`);
    const [bad, good] = [await synced(), await synced()];
    await change(bad, { firstname: 'Forbidden' });
    await change(good, { firstname: 'Eve' });
    expect(await it.sync([it.event(bad), it.event(good)])).toEqual([
      { kind: 'poison', reason: 'rejected_by_database' },
      { kind: 'done' },
    ]);
    // The clock had asked for it: it does not ask for the same again, and leaves the row as it is.
    await it.sql('update dynamics_contacts set read_due_at = now() where contact_id = $1', [bad]);
    const before = await it.state(bad);
    const rung = it.event(bad, 'sync.requested');
    expect(await it.sync([rung])).toEqual([{ kind: 'poison', reason: 'rejected_by_database' }]);
    const [row] = await it.sql(
      'select read_due_at, attempts, patient_id is not null as linked from dynamics_contacts where contact_id = $1',
      [bad],
    );
    expect(row).toEqual({ read_due_at: null, attempts: 0, linked: true });
    expect(await it.state(bad)).toEqual({ ...before, read_due: false });
    await it.sql('drop function host_rule() cascade');
    // Its next change, or the message that is sent back, finds it mended.
    expect(await it.sync([rung])).toEqual([{ kind: 'done' }]);
    expect(await it.state(bad)).toMatchObject({ first_name: 'Forbidden' });
  });
});

describe('what is on record', () => {
  test('names every change, also of an event that was on record before', async () => {
    const id = await synced();
    const first = it.event(id);
    await it.sync([first]);
    await change(id, { firstname: 'Eve' });
    await it.sync([first]);
    const rows = await it.sql(
      `select event_id is not null as known, action, outcome from audit_logs
       where new_values ->> 'eventId' = $1 order by "timestamp"`,
      [first.eventId],
    );
    expect(rows).toEqual([
      { known: true, action: 'patient_updated', outcome: 'unchanged' },
      { known: false, action: 'patient_updated', outcome: 'applied' },
    ]);
  });

  test('a patient erased by ConsentHub is not made again by an event', async () => {
    const id = await synced();
    await it.sql('delete from patients where dynamics_contact_id = $1', [id]);
    await change(id, { firstname: 'Eve' });
    const event = it.event(id);
    expect(await it.sync([event])).toEqual([{ kind: 'done' }]);
    expect(await it.state(id)).toMatchObject({ linked: false, first_name: null });
    expect(await it.audit(event.eventId)).toMatchObject([{ outcome: 'skipped' }]);
    expect(await it.sql('select seen from dynamics_contacts where contact_id = $1', [id])).toEqual([
      { seen: null },
    ]);
  });

  test('a Dynamics that two organisations claim is nobody’s', async () => {
    const id = await it.dynamics.createContact({ lastname: 'Fictitious' });
    await it.sql("insert into organizations (name, dynamics_org_id) values ('Dup', upper($1))", [
      it.dynamics.dataverse.organizationId,
    ]);
    expect(await it.sync([it.event(id)])).toEqual([
      { kind: 'poison', reason: 'unknown_organization' },
    ]);
    await it.sql("delete from organizations where name = 'Dup'");
  });
});

test('finding a patient to link costs what fits, not what the organisation has', async () => {
  await it.sql(
    `insert into patients (organization_id, first_name, last_name, email)
     select $1, 'n' || n, 'x', n || '@example.test' from generate_series(1, 20000) n`,
    [it.database.organizationId],
  );
  await it.sql('analyze patients');
  const question = JSON.stringify(
    Array.from({ length: 10 }, (_, n) => ({
      organization_id: it.database.organizationId,
      contact_id: crypto.randomUUID(),
      first_name: `n${n}`,
      last_name: 'x',
      email: `${n}@example.test`,
    })),
  );
  const { default: statement } = await import('../../../shared/contacts/find-patients-to-link.sql');
  const plan = JSON.stringify(await it.sql(`explain ${statement}`, [question]));
  expect(plan).toContain('dynamics_patients_email');
  expect(plan).toContain('dynamics_patients_contact');
  expect(plan).not.toContain('Seq Scan on patients');
});

describe('tables that ConsentHub made itself, stricter than ours', () => {
  let host: TestDatabase;
  afterAll(() => host?.drop());

  const TABLES = `
    create table organizations (
      id uuid primary key default gen_random_uuid(), name varchar(200) not null,
      dynamics_org_id uuid unique, azure_tenant_id uuid, settings jsonb
    );
    create table patients (
      id uuid primary key default gen_random_uuid(), organization_id uuid not null references organizations,
      dynamics_contact_id uuid, first_name varchar(100) not null, last_name varchar(100) not null,
      email varchar(255) not null, phone varchar(50) not null, date_of_birth date,
      created_at timestamp not null, updated_at timestamp not null
    );
    create table consents (
      id uuid primary key default gen_random_uuid(), organization_id uuid not null, patient_id uuid not null,
      consent_type text, status text, granted_at timestamp, expires_at timestamp, revoked_at timestamp,
      dynamics_sync_status text, dynamics_synced_at timestamp, created_at timestamp, updated_at timestamp
    );
    create type audit_action as enum ('consent_granted', 'consent_revoked', 'patient_created');
    create table audit_logs (
      id uuid primary key, organization_id uuid not null, patient_id uuid, consent_id uuid, user_id uuid,
      action audit_action not null, old_values jsonb, new_values jsonb,
      timestamp timestamp not null, checksum varchar(64) not null
    );`;

  test('are written to: nothing is an empty text, types are theirs, times are UTC', async () => {
    host = await createTestDatabase();
    await host.pool.query(TABLES);
    await migrateDatabase({ url: host.url, endpoint: host.neonEndpoint, directory: MIGRATIONS });
    await host.pool.query(
      `alter database ${new URL(host.url).pathname.slice(1)} set timezone = 'Europe/Zurich'`,
    );
    await host.pool.query("insert into organizations (name, dynamics_org_id) values ('Host', $1)", [
      it.dynamics.dataverse.organizationId,
    ]);
    const store = createContactStore(
      createDatabase({ url: host.url, endpoint: host.neonEndpoint }),
    );
    const id = await it.dynamics.createContact({ lastname: 'Fictitious', telephone1: '1' });
    const sync = () => it.sync([it.event(id)], { overrides: { store } });
    const patient = async () =>
      (
        await host.pool.query(
          'select first_name, last_name, email, phone, dynamics_contact_id from patients',
        )
      ).rows;

    expect(await sync()).toEqual([{ kind: 'done' }]);
    expect(await patient()).toEqual([
      { first_name: '', last_name: 'Fictitious', email: '', phone: '1', dynamics_contact_id: id },
    ]);
    await change(id, { telephone1: null });
    expect(await sync()).toEqual([{ kind: 'done' }]);
    expect(await patient()).toMatchObject([{ phone: '' }]);
    await it.dynamics.control('DELETE', `/contacts/${id}`);
    expect(await sync()).toEqual([{ kind: 'done' }]);
    await it.dynamics.control('POST', `/contacts/${id}/restore`);
    expect(await sync()).toEqual([{ kind: 'done' }]);
    expect(await patient()).toMatchObject([{ dynamics_contact_id: id }]);

    const stored = await host.pool.query<{ recent: boolean }>(
      `select bool_and(abs(extract(epoch from "timestamp" at time zone 'UTC' - now())) < 60) as recent from audit_logs`,
    );
    expect(stored.rows).toEqual([{ recent: true }]);
  });

  test('with a CHECK that refuses our actions stop the deploy', async () => {
    const strict = await createTestDatabase();
    try {
      await strict.pool.query(
        TABLES.replace(
          'action audit_action not null',
          "action text not null check (action in ('consent_granted'))",
        ),
      );
      await expect(
        migrateDatabase({ url: strict.url, endpoint: strict.neonEndpoint, directory: MIGRATIONS }),
      ).rejects.toMatchObject({ migration: '14 audit-actions-allowed', code: '23514' });
    } finally {
      await strict.drop();
    }
  });

  test('that are busy while indexes are built hold the deploy up, and nothing is left half built', async () => {
    const busy = await createTestDatabase();
    const report = await busy.pool.connect();
    try {
      await busy.pool.query(TABLES);
      await report.query('begin isolation level repeatable read');
      await report.query('select 1 from organizations');
      const migrating = migrateDatabase({
        url: busy.url,
        endpoint: busy.neonEndpoint,
        directory: MIGRATIONS,
      });
      await expect
        .poll(async () => {
          const { rows } = await busy.pool.query(
            "select 1 from pg_stat_activity where query like '%index concurrently%' and wait_event_type = 'Lock' and datname = current_database()",
          );
          return rows.length;
        })
        .toBeGreaterThan(0);
      await report.query('commit');
      await migrating;
      const { rows } = await busy.pool.query('select 1 from pg_index where not indisvalid');
      expect(rows).toEqual([]);
    } finally {
      report.release();
      await busy.drop();
    }
  });
});
