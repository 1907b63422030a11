import { neon, neonConfig } from '@neondatabase/serverless';
import { parseDatabaseUrl } from './database-url.ts';

/** Neon wakes a suspended compute within a few seconds; its client has no time limit of its own. */
const STATEMENT_TIMEOUT_MS = 5_000;

/** A row that ConsentHub holds locked for longer than this is not waited for. */
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** For the transaction that they begin. */
const SETTINGS: Statement = {
  text: "select set_config('lock_timeout', $1, true), set_config('timezone', 'UTC', true)",
  params: [String(LOCK_TIMEOUT_MS)],
};

/** Lost twice against concurrent statements is bad luck, three times is a pattern. */
const CONFLICT_ATTEMPTS = 3;

/**
 * No answer, or none that says anything about the rows: the network, Neon itself, a suspended
 * compute. A statement may have been committed all the same.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
  readonly code: string | undefined;
  constructor(sqlstate: string | undefined) {
    super('the database did not answer');
    this.code = sqlstate;
  }
}

/** The statement lost against a concurrent one (40001, 40P01) and was rolled back: try it again. */
export class DatabaseConflict extends Error {
  override readonly name = 'DatabaseConflict';
  readonly code: string;
  constructor(sqlstate: string) {
    super('the database rolled the statement back');
    this.code = sqlstate;
  }
}

/**
 * One row keeps the statement from succeeding, and the others have no part in it: it cannot be stored
 * (SQLSTATE classes 22 and 23, a limit of class 54, a trigger of ConsentHub's that raises), or somebody
 * holds it locked.
 */
export class DatabaseRejected extends Error {
  override readonly name = 'DatabaseRejected';
  readonly code: string;
  constructor(sqlstate: string) {
    super('the database rejected a row');
    this.code = sqlstate;
  }
  /** Somebody holds the row: later it may be free. */
  get temporary(): boolean {
    return this.code === LOCK_NOT_AVAILABLE;
  }
}

export interface Statement {
  readonly text: string;
  readonly params: readonly unknown[];
}

/** Rows come as objects; `bigint` columns as decimal strings, `jsonb` parsed. */
export type Row = Readonly<Record<string, unknown>>;

export interface Database {
  /** @throws DatabaseUnavailable, DatabaseConflict, DatabaseRejected */
  query(text: string, params: readonly unknown[]): Promise<readonly Row[]>;
  /**
   * One transaction in one round trip; the rows of each statement. Waits only shortly for locks, and
   * its times are UTC, also where a column has no time zone. Throws as `query` does.
   */
  transaction(statements: readonly Statement[]): Promise<readonly (readonly Row[])[]>;
}

export interface DatabaseOptions {
  /** `postgres://…`, as Neon shows it. */
  readonly url: string;
  /** Where Neon's HTTP protocol is spoken, if not at the host of the URL. */
  readonly endpoint?: string | undefined;
  readonly timeoutMs?: number;
}

/**
 * Neon over HTTP: no connection to keep, so nothing to lose while a function is frozen.
 *
 * @throws DatabaseUrlInvalid
 */
export function createDatabase(options: DatabaseOptions): Database {
  const { url, endpoint, timeoutMs = STATEMENT_TIMEOUT_MS } = options;
  if (endpoint !== undefined) neonConfig.fetchEndpoint = endpoint;
  const sql = neon(parseDatabaseUrl(url).href);
  const limits = () => ({ fetchOptions: { signal: AbortSignal.timeout(timeoutMs) } });
  return {
    query: (text, params) => cleaned(() => sql.query(text, [...params], limits())),
    transaction: async (statements) => {
      const [, ...results] = await cleaned(() =>
        sql.transaction(
          [SETTINGS, ...statements].map(({ text, params }) => sql.query(text, [...params])),
          limits(),
        ),
      );
      return results;
    },
  };
}

/** Data exceptions, constraints, limits, `raise exception`, a lock that is not given. */
const ONE_ROWS_FAULT = /^(?:22|23|54)|^P0001$|^55P03$/;

/** Drivers put the offending values into their errors: only the SQLSTATE goes on. */
async function cleaned<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      const clean = cleanDatabaseError(error);
      // It was rolled back as a whole, so doing it again is safe.
      if (!(clean instanceof DatabaseConflict) || attempt >= CONFLICT_ATTEMPTS) throw clean;
    }
  }
}

export function cleanDatabaseError(
  error: unknown,
): DatabaseUnavailable | DatabaseConflict | DatabaseRejected {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const sqlstate = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  if (sqlstate === '40001' || sqlstate === '40P01') return new DatabaseConflict(sqlstate);
  if (sqlstate !== undefined && ONE_ROWS_FAULT.test(sqlstate)) {
    return new DatabaseRejected(sqlstate);
  }
  return new DatabaseUnavailable(sqlstate);
}
