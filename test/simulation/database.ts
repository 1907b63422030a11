import { Client } from 'pg';
import {
  cleanDatabaseError,
  type Database,
  DatabaseConflict,
  DatabaseRejected,
  DatabaseUnavailable,
  type Row,
  type Statement,
} from '../../shared/database/database.ts';
import { EMPTY_ALL_TABLES } from './database-server.ts';
import { callOutside, type Effect, type Invocation } from './invocation.ts';
import { statementName } from './statements.ts';
import type { World } from './world.ts';

/** As `shared/database/database.ts`. */
const STATEMENT_TIMEOUT_MS = 5_000;
/** A request that was held up on its way to Neon while its compute woke up: longer than a lease lasts. */
const LATEST_MS = 120_000;

/** What rows and values can break; anything else means that a statement itself is wrong. */
const EXPECTED_REFUSALS = /^(?:22|23|P0001|55P03)/;

type SqlValue = string | number | boolean | null;

/** Changes what the functions say to the database or hear from it: a guard taken out. */
export interface DatabaseTampering {
  readonly statement?: (name: string, text: string) => string;
  readonly rows?: (name: string, rows: readonly Row[]) => readonly Row[];
}

/** A statement of ours, called by its file. */
export interface NamedStatement {
  readonly name: string;
  readonly params: Statement['params'];
}

/** One of our commits: whose it was, and what each statement returned. */
export interface Commit {
  readonly by: Invocation;
  readonly results: readonly (readonly Row[])[];
}

export interface CommitWatch {
  before(statements: readonly NamedStatement[]): Promise<void>;
  after(statements: readonly NamedStatement[], commit: Commit): Promise<void>;
}

export interface SimulatedDatabase {
  /** What a function gets, as `createDatabase` makes it. */
  of(invocation: Invocation): Database;
  /** ConsentHub's own transactions, and what the checks read. */
  sql<T extends object = Record<string, unknown>>(
    text: string,
    params?: readonly SqlValue[],
  ): Promise<T[]>;
  /** Called before and after each of our commits, alone. */
  onCommit(...watchers: readonly CommitWatch[]): void;
}

/**
 * A real PostgreSQL over one connection: each call is one transaction and one step, so there is never
 * an open transaction while anything else happens. What happens between the statements of two open
 * transactions (lock waits, snapshots) is what the integration tests are for.
 */
export function createSimulatedDatabase(
  world: World,
  client: Client,
  label: (text: string) => string,
  tampering: DatabaseTampering,
): SimulatedDatabase {
  let watchers: readonly CommitWatch[] = [];

  async function commit(statements: readonly Statement[]): Promise<Row[][]> {
    const now = new Date(world.now()).toISOString();
    await client.query(`begin; set local simulation.now = '${now}'`);
    try {
      const results: Row[][] = [];
      for (const { text, params } of statements) {
        const { rows } = await client.query<Row>({
          text,
          values: [...params],
          name: preparedName(text),
        });
        results.push(rows);
      }
      await client.query('commit');
      return results;
    } catch (error) {
      await client.query('rollback');
      throw error;
    }
  }

  async function effect(
    by: Invocation,
    statements: readonly Statement[],
  ): Promise<Effect<Row[][]>> {
    const names = statements.map(({ text }) => statementName(text));
    const tampered = statements.map(({ text, params }, index) => ({
      text: tampering.statement?.(names[index] ?? '', text) ?? text,
      params,
    }));
    try {
      const named = statements.map(({ params }, index) => ({ name: names[index] ?? '', params }));
      for (const watcher of watchers) await watcher.before(named);
      const results = (await commit(tampered)).map((rows, index) => [
        ...(tampering.rows?.(names[index] ?? '', rows) ?? rows),
      ]);
      for (const watcher of watchers) await watcher.after(named, { by, results });
      return { answer: () => results, says: summary(results) };
    } catch (error) {
      const clean = cleanDatabaseError(error);
      if (!EXPECTED_REFUSALS.test(clean.code ?? '')) {
        const problem = error instanceof Error ? error.message : 'unknown';
        world.violation('statements are sound', `${names.join('+')}: ${clean.code} ${problem}`);
      }
      return {
        answer: () => {
          throw clean;
        },
        says: `refused: ${clean.code}`,
      };
    }
  }

  const call = (invocation: Invocation, statements: readonly Statement[]) =>
    callOutside(world, invocation, {
      label: labelOf(statements),
      target: 'database',
      effect: () => effect(invocation, statements),
      giveUpAfterMs: STATEMENT_TIMEOUT_MS,
      latestMs: LATEST_MS,
      unanswered: () => new DatabaseUnavailable(undefined),
      refusals: ['conflict', 'locked'],
      refuse: (refusal) => ({
        answer: () => {
          throw refusal === 'conflict'
            ? new DatabaseConflict('40001')
            : new DatabaseRejected('55P03');
        },
        says: refusal,
      }),
    });

  function labelOf(statements: readonly Statement[]): string {
    const names = statements
      .map(({ text, params }) => ({ name: statementName(text), params }))
      .filter(
        ({ name, params }) =>
          name !== 'mark-own-write' && !(name === 'insert-audit-rows' && params[0] === '[]'),
      );
    const about = label(names.map(({ params }) => String(params[0])).join());
    return [names.map(({ name }) => name).join(' + '), about].filter(Boolean).join(' ');
  }

  return {
    of: (invocation) => ({
      query: async (text, params) => (await call(invocation, [{ text, params }]))[0] ?? [],
      transaction: (statements) => call(invocation, statements),
    }),
    async sql<T extends object>(text: string, params: readonly SqlValue[] = []) {
      const [rows = []] = await commit([{ text, params }]);
      return rows as T[];
    },
    onCommit(...all) {
      watchers = all;
    },
  };
}

export async function connectTo(url: string): Promise<Client> {
  const client = new Client(url);
  await client.connect();
  return client;
}

export async function emptyDatabase(client: Client): Promise<void> {
  await client.query(EMPTY_ALL_TABLES);
}

const prepared = new Map<string, string>();

/** Statements are parsed once for a connection, as they are many and large. */
function preparedName(text: string): string {
  const known = prepared.get(text) ?? `s${prepared.size}`;
  prepared.set(text, known);
  return known;
}

function summary(results: readonly (readonly Row[])[]): string {
  const rows = results.flat();
  const state = rows.find((row) => typeof row['state'] === 'string')?.['state'];
  const count = rows.find((row) => 'expired' in row || 'ended' in row);
  if (count !== undefined) return String(count['expired'] ?? count['ended']);
  return typeof state === 'string' ? state : `${results.at(-1)?.length ?? 0} rows`;
}
