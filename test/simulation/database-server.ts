import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { startPostgres } from '../../infra/local/postgres/server.ts';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { startNeonSimulator } from '../simulators/neon/index.ts';

const MIGRATIONS = fileURLToPath(new URL('../../shared/database/migrations', import.meta.url));
const TEMPLATE = 'simulation';

/**
 * The database's clock is the simulation's: `now()` and `clock_timestamp()` in a schema that is
 * searched before PostgreSQL's own. What is parsed later (defaults, statements, bodies of functions)
 * finds these. Before the first run, while migrating, there is no simulated time yet. One step runs at a time, so within a statement both stand still.
 */
const CLOCK = `
  create function now() returns timestamptz stable language sql
    as $$ select coalesce(current_setting('simulation.now', true)::timestamptz, pg_catalog.now()) $$;
  create function clock_timestamp() returns timestamptz stable language sql
    as $$ select now() $$`;

/** The migrations pin the search path of their trigger functions, which would find PostgreSQL's clock. */
const CLOCK_IN_TRIGGERS = `
  do $$
  declare
    pinned regprocedure;
  begin
    for pinned in
      select p.oid from pg_proc p
      where p.pronamespace = 'public'::regnamespace
        and exists (select 1 from unnest(p.proconfig) c where c like 'search_path=%')
    loop
      execute format('alter function %s set search_path = public, pg_catalog, pg_temp', pinned);
    end loop;
  end
  $$`;

/** Nothing behind the scenes may change a plan, and with it the order of rows, from run to run. */
const STEADY = ['jit = off', 'max_parallel_workers_per_gather = 0', 'synchronous_commit = off'];

const TABLES = [
  'organizations',
  'patients',
  'consents',
  'audit_logs',
  'dynamics_contacts',
  'dynamics_change_tracking',
];

const STEADY_TABLES = TABLES.map(
  (table) => `alter table ${table} set (autovacuum_enabled = false)`,
);

/** Between two runs, and there only, the audit trail is emptied too. */
const LET_AUDIT_BE_EMPTIED = 'alter table audit_logs disable trigger dynamics_audit_not_emptied';

/** Leaves an empty database behind, for the next run. */
export const EMPTY_ALL_TABLES = `truncate ${TABLES.join(', ')}`;

export interface DatabaseServer {
  /** A copy of the migrated database; `ddl` changes it, to see what happens without a guard. */
  createDatabase(name: string, ddl?: string): Promise<string>;
  stop(): Promise<void>;
}

/** A PostgreSQL server with one migrated database, whose clock is the simulation's, to copy from. */
export async function startDatabaseServer(): Promise<DatabaseServer> {
  const dataDirectory = await mkdtemp(path.join(os.tmpdir(), 'consenthub-simulation-'));
  const server = await startPostgres({ dataDirectory, throwaway: true });
  const databaseUrl = (name: string) => {
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    return url.href;
  };
  await execute(server.url, [`create database ${TEMPLATE}`, ...settings(TEMPLATE)]);
  await execute(databaseUrl(TEMPLATE), [CLOCK]);
  const neon = await startNeonSimulator({ upstream: server.url });
  try {
    await migrateDatabase({
      url: databaseUrl(TEMPLATE),
      endpoint: neon.url,
      directory: MIGRATIONS,
    });
  } finally {
    await neon.close();
  }
  await execute(databaseUrl(TEMPLATE), [CLOCK_IN_TRIGGERS, ...STEADY_TABLES, LET_AUDIT_BE_EMPTIED]);
  return {
    async createDatabase(name, ddl) {
      await execute(server.url, [
        `create database ${name} template ${TEMPLATE}`,
        ...settings(name),
      ]);
      if (ddl !== undefined) await execute(databaseUrl(name), [ddl]);
      return databaseUrl(name);
    },
    async stop() {
      await server.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** A copy of a database does not take these along. */
function settings(name: string): string[] {
  return ['search_path = public, pg_catalog', ...STEADY].map(
    (setting) => `alter database ${name} set ${setting}`,
  );
}

async function execute(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
