import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  /** `postgres://…`: for `pg`, and as the connection string of Neon's driver. */
  readonly url: string;
  /** For `neonConfig.fetchEndpoint`. Shared by all tests: for faults start a simulator of your own. */
  readonly neonEndpoint: string;
  /** For `neonConfig.wsProxy`. */
  readonly neonWebSocketProxy: string;
  readonly pool: Pool;
  /** Disconnects everybody and removes the database. */
  drop(): Promise<void>;
}

/** A fresh, empty database on the server of this run (`postgres-setup.ts`), owned by `consenthub`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { url: serverUrl, neonEndpoint, neonWebSocketProxy } = inject('postgres');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const pool = new Pool({ connectionString: url.href });
  // Tests disconnect clients on purpose; whoever uses one is told by its query.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', () => {});
  return {
    url: url.href,
    neonEndpoint,
    neonWebSocketProxy,
    pool,
    async drop() {
      await pool.end();
      await administer(serverUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

async function administer(serverUrl: string, statement: string): Promise<void> {
  const client = new Client(serverUrl);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
