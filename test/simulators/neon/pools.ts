import { Pool, type PoolClient } from 'pg';
import type { Credentials } from './connection-string.ts';
import { connectError } from './errors.ts';

/** Per user and database. The server behind has room for about 100 in all. */
const CONNECTIONS_PER_POOL = 40;

/** Soon enough that a database that a test has dropped holds nothing any more. */
const IDLE_TIMEOUT_MS = 5000;

/** A connection on the same machine that takes longer than this does not come. */
const CONNECT_TIMEOUT_MS = 5000;

/** The connections that the proxy keeps open to the server behind it. */
export interface ConnectionPools {
  /** A connection as that user in that database. Throws a `NeonError` if there is none to be had. */
  connect(credentials: Credentials): Promise<PoolClient>;
  /** Ends the statement that the connection works on, as far as there is one. */
  cancel(credentials: Credentials, client: PoolClient): Promise<void>;
  close(): Promise<void>;
}

/** `upstream` says where the server is; user, password and database come with each request. */
export function createConnectionPools(upstream: URL): ConnectionPools {
  const pools = new Map<string, Pool>();

  function poolFor(credentials: Credentials): Pool {
    const key = JSON.stringify(credentials);
    const existing = pools.get(key);
    if (existing !== undefined) return existing;
    const pool = new Pool({
      host: upstream.hostname,
      port: Number(upstream.port),
      user: credentials.user,
      password: credentials.password,
      database: credentials.database,
      max: CONNECTIONS_PER_POOL,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      ...(credentials.applicationName === undefined
        ? {}
        : { application_name: credentials.applicationName }),
    });
    // Whoever uses a connection that is lost hears of it from the query; nobody else has to.
    pool.on('connect', (client) => client.on('error', () => {}));
    pool.on('error', () => {});
    pools.set(key, pool);
    return pool;
  }

  return {
    async connect(credentials) {
      try {
        return await poolFor(credentials).connect();
      } catch (error) {
        throw connectError(error, credentials.user);
      }
    },
    async cancel(credentials, client) {
      // Known to the client since the start-up, but missing from its type.
      const processId: unknown = 'processID' in client ? client.processID : undefined;
      await poolFor(credentials).query('select pg_cancel_backend($1)', [processId]);
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.end()));
    },
  };
}

/** Puts a connection back as new: nothing that one request set may be seen by the next. */
export async function recycle(client: PoolClient): Promise<void> {
  try {
    await client.query('discard all');
    client.release();
  } catch {
    // Broken, or in a transaction that the request left open.
    client.release(true);
  }
}
