import { setTimeout as wait } from 'node:timers/promises';
import { Client, neonConfig } from '@neondatabase/serverless';
import Postgrator from 'postgrator';
import * as z from 'zod';
import { LoggableError } from '../errors/loggable-error.ts';
import { parseDatabaseUrl } from './database-url.ts';

/** Two deploys at once: the second waits until the first is through. Any constant of our own will do. */
const ADVISORY_LOCK = 7_243_918_402;
const ADVISORY_LOCK_TRIES = 240;
const ADVISORY_LOCK_WAIT_MS = 500;

/** A migration that waits for a lock makes everybody behind it wait as well. */
const LOCK_TIMEOUT_MS = 5_000;
const LOCK_RETRIES = 5;

/** Neon wakes a suspended compute within a few seconds. */
const CONNECT_TIMEOUT_MS = 20_000;
const LOCK_RETRY_WAIT_MS = 2_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** A build of an index that was interrupted leaves an invalid one behind, which `if not exists` would keep. */
const INVALID_INDEXES = `
  select format('%I.%I', n.nspname, c.relname) as name
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_namespace n on n.oid = c.relnamespace
  where not i.indisvalid and n.nspname = current_schema()
    and (c.relname like 'dynamics\\_%' or c.relname = 'audit_logs_event_id_key')`;

/** Names the migration that failed and the SQLSTATE; the database's own message stays out of logs. */
export class MigrationFailed extends LoggableError {
  override readonly name = 'MigrationFailed';
  readonly code: string | undefined;
  readonly migration: string | undefined;
  constructor(migration: string | undefined, sqlstate: string | undefined, problem: string) {
    super(
      `The database could not be migrated${migration ? ` (${migration})` : ''}: ${problem}. ` +
        'Migrations can be run again once the cause is removed.',
    );
    this.code = sqlstate;
    this.migration = migration;
  }
}

export interface MigrateOptions {
  /** `postgres://…`; a pooled host of Neon's is replaced by its direct one. */
  readonly url: string;
  /** Where Neon's HTTP protocol is spoken, if not at the database's own host; its WebSocket is beside it. */
  readonly endpoint?: string | undefined;
  /** Folder of the `.sql` files. */
  readonly directory: string;
  readonly onInvalidIndexDropped?: (index: string) => void;
}

/**
 * Applies the migrations that the database does not have yet, over a direct connection (WebSocket)
 * and under an advisory lock. Safe to run at any time and as often as wanted.
 *
 * @returns the names of the migrations that were applied
 * @throws MigrationFailed, DatabaseUrlInvalid
 */
export async function migrateDatabase(options: MigrateOptions): Promise<string[]> {
  if (options.endpoint !== undefined) {
    const { host, protocol } = new URL(options.endpoint);
    neonConfig.wsProxy = () => `${host}/v2`;
    neonConfig.useSecureWebSocket = protocol === 'https:';
    // A PostgreSQL behind it need not take a password before it has asked for one, as Neon does.
    neonConfig.pipelineConnect = false;
  }
  const client = new Client({
    connectionString: directUrl(options.url),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // Without a listener a connection that breaks between two queries ends the process.
  client.on('error', () => undefined);
  let current: string | undefined;
  try {
    await client.connect();
    await takeAdvisoryLock(client);
    await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`);
    const postgrator = new Postgrator({
      driver: 'pg',
      migrationPattern: `${options.directory}/*.sql`,
      schemaTable: 'dynamics_schema_version',
      execQuery: (query) => client.query(query),
      execSqlScript: async (script) => {
        // A concurrent build keeps nobody waiting; it waits itself for the oldest transaction to end.
        const patient = /\bindex concurrently\b/i.test(script);
        await client.query(`set lock_timeout = ${patient ? 0 : LOCK_TIMEOUT_MS}`);
        await client.query(script);
        await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`);
      },
    });
    postgrator.on('migration-started', (migration) => {
      current = `${migration.version} ${migration.name}`;
    });
    if ((await postgrator.getMigrations()).length === 0) {
      throw new MigrationFailed(undefined, undefined, 'no migrations were found in the bundle');
    }
    const applied: string[] = [];
    for (let attempt = 1; ; attempt += 1) {
      try {
        // Before every try: the one before may have left an index half built.
        await dropInvalidIndexes(client, options.onInvalidIndexDropped);
        applied.push(...(await postgrator.migrate()).map(nameOf));
        return applied;
      } catch (error) {
        if (sqlstateOf(error) !== LOCK_NOT_AVAILABLE || attempt > LOCK_RETRIES) throw error;
        applied.push(...appliedBefore(error));
        await wait(LOCK_RETRY_WAIT_MS);
      }
    }
  } catch (error) {
    if (error instanceof MigrationFailed) throw error;
    const sqlstate = sqlstateOf(error);
    const changed = error instanceof Error && error.message.startsWith('MD5 checksum failed');
    throw new MigrationFailed(
      current,
      sqlstate,
      changed
        ? 'a migration that was applied before has been changed since; add a new one instead'
        : sqlstate === undefined
          ? 'the database did not answer'
          : `SQLSTATE ${sqlstate}`,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Asks again and again instead of waiting inside the database: a waiting statement holds a snapshot,
 * which an index that is built concurrently waits for in turn, and both would be in a deadlock.
 */
async function takeAdvisoryLock(client: Client): Promise<void> {
  for (let attempt = 1; attempt <= ADVISORY_LOCK_TRIES; attempt += 1) {
    const { rows } = await client.query<{ taken: boolean }>(
      `select pg_try_advisory_lock(${ADVISORY_LOCK}) as taken`,
    );
    if (rows[0]?.taken === true) return;
    await wait(ADVISORY_LOCK_WAIT_MS);
  }
  throw new MigrationFailed(undefined, LOCK_NOT_AVAILABLE, 'another deploy is still migrating it');
}

/** A migration whose index was not finished is not on record as applied, and builds it again. */
async function dropInvalidIndexes(
  client: Client,
  onDropped: (index: string) => void = () => undefined,
): Promise<void> {
  for (const { name } of (await client.query<{ name: string }>(INVALID_INDEXES)).rows) {
    await client.query(`drop index concurrently if exists ${name}`);
    onDropped(name);
  }
}

/** Postgrator notes on its errors what it had applied before. */
function appliedBefore(error: unknown): string[] {
  const noted =
    typeof error === 'object' && error !== null && 'appliedMigrations' in error
      ? z
          .array(z.object({ version: z.number(), name: z.string() }))
          .safeParse(error.appliedMigrations)
      : undefined;
  return noted?.data?.map(nameOf) ?? [];
}

const nameOf = ({ version, name }: { version: number; name: string }) => `${version} ${name}`;

function sqlstateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : undefined;
}

/** Session locks need a session: Neon's pooler gives a connection away after every transaction. */
function directUrl(text: string): string {
  const url = parseDatabaseUrl(text);
  url.hostname = url.hostname.replace(/^([^.]+)-pooler\./, '$1.');
  return url.href;
}
