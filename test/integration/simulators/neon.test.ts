import {
  Client,
  neon,
  neonConfig,
  NeonDbError,
  type NeonQueryFunction,
  Pool,
} from '@neondatabase/serverless';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type NeonSimulator, startNeonSimulator } from '../../simulators/neon/index.ts';

let database: TestDatabase;
let simulator: NeonSimulator;
let sql: NeonQueryFunction<false, false>;

beforeAll(async () => {
  database = await createTestDatabase();
  simulator = await startNeonSimulator({ upstream: database.url });
  neonConfig.fetchEndpoint = simulator.url;
  neonConfig.wsProxy = simulator.webSocketProxy;
  neonConfig.useSecureWebSocket = false;
  // Host and port name a Neon endpoint in real life; only the proxy knows where the server is.
  sql = neon(endpointUrl(database.url));
  await sql`create table people (id int primary key, name text not null check (name <> 'x'))`;
});

beforeEach(() => sql`truncate people`);

afterEach(() => simulator.setFault('none'));

afterAll(async () => {
  await simulator.close();
  await database.drop();
});

function endpointUrl(url: string): string {
  const endpoint = new URL(url);
  endpoint.host = 'ep-quiet-lake-123456.eu-central-1.aws.neon.tech';
  endpoint.port = '';
  endpoint.searchParams.set('sslmode', 'require');
  return endpoint.href;
}

async function failureOf(promise: Promise<unknown>): Promise<NeonDbError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof NeonDbError) return error;
  throw new Error('Expected a NeonDbError.');
}

describe('a statement over HTTP', () => {
  it('converts every type as the driver expects', async () => {
    const rows = await sql`select ${5}::int as int, ${'9007199254740993'}::bigint as bigint,
      ${true}::boolean as bool, ${null}::text as nothing, ${{ a: [1] }}::jsonb as json,
      ${['a', null, 'c,"d']}::text[] as list, ${Buffer.from([0, 255])} as bytes,
      timestamptz '2026-11-22T10:00:00.123Z' as time, 'é€😀' as text`;
    expect(rows).toEqual([
      {
        int: 5,
        bigint: '9007199254740993',
        bool: true,
        nothing: null,
        json: { a: [1] },
        list: ['a', null, 'c,"d'],
        bytes: Buffer.from([0, 255]),
        time: new Date('2026-11-22T10:00:00.123Z'),
        text: 'é€😀',
      },
    ]);
  });

  it('gives arrays and full results', async () => {
    const options = { arrayMode: true, fullResults: true } as const;
    const result = await sql.query('select 1 as one, $1 as two', ['2'], options);
    expect(result).toMatchObject({ command: 'SELECT', rowCount: 1, rows: [[1, '2']] });
    expect(result.fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual([
      ['one', 23],
      ['two', 25],
    ]);
  });

  it('counts rows as PostgreSQL does', async () => {
    const full = { fullResults: true } as const;
    const insert = `insert into people values (1, 'a'), (2, 'b')`;
    expect(await sql.query(insert, [], full)).toMatchObject({ command: 'INSERT', rowCount: 2 });
    const create = await sql.query('create temporary table scratch ()', [], full);
    expect(create).toMatchObject({ command: 'CREATE', rowCount: null, rows: [] });
  });

  it('leaves nothing behind for the next one', async () => {
    await sql`set statement_timeout = '7s'`;
    await sql`begin`;
    await sql`insert into people values (1, 'a')`;
    expect(await sql`select current_setting('statement_timeout') as timeout`).toEqual([
      { timeout: '0' },
    ]);
    expect(await database.pool.query('select * from people')).toMatchObject({ rowCount: 1 });
  });

  it('reports all that PostgreSQL says of an error', async () => {
    await sql`insert into people values (1, 'a')`;
    expect(await failureOf(sql`insert into people values (1, 'b')`)).toMatchObject({
      message: 'duplicate key value violates unique constraint "people_pkey"',
      severity: 'ERROR',
      code: '23505',
      detail: 'Key (id)=(1) already exists.',
      schema: 'public',
      table: 'people',
      constraint: 'people_pkey',
      routine: '_bt_check_unique',
    });
    expect(await failureOf(sql`select nothing`)).toMatchObject({ code: '42703', position: '8' });
  });

  it('takes one statement only', async () => {
    const error = await failureOf(sql`select 1; select 2`);
    expect(error.code).toBe('42601');
  });

  it('refuses text that PostgreSQL or JSON cannot hold', async () => {
    expect(await failureOf(sql`select ${'a\u0000b'}`)).toMatchObject({ code: '22021' });
    expect(await failureOf(sql`select ${'a\ud800b'}`)).toMatchObject({
      message: expect.stringContaining('lone leading surrogate'),
      code: undefined,
    });
  });

  it('survives the loss of its connection', async () => {
    const error = await failureOf(sql`select pg_terminate_backend(pg_backend_pid())`);
    expect(error).toMatchObject({ code: '57P01', severity: 'FATAL' });
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
  });

  it('is cancelled when the caller gives up', async () => {
    await database.pool.query('select pg_advisory_lock(1)');
    const controller = new AbortController();
    const fetchOptions = { signal: controller.signal };
    const waiting = failureOf(sql.query('select pg_advisory_lock(1)', [], { fetchOptions }));
    const waiters = `select pid from pg_locks where locktype = 'advisory' and not granted
      and database = (select oid from pg_database where datname = current_database())`;
    await expect.poll(async () => (await database.pool.query(waiters)).rowCount).toBe(1);
    controller.abort();
    expect((await waiting).message).toContain('abort');
    await expect.poll(async () => (await database.pool.query(waiters)).rowCount).toBe(0);
    await database.pool.query('select pg_advisory_unlock_all()');
  });
});

describe('a transaction over HTTP', () => {
  it('does all or nothing', async () => {
    const results = await sql.transaction([
      sql`insert into people values (1, 'a')`,
      sql`select count(*)::int as count from people`,
    ]);
    expect(results).toEqual([[], [{ count: 1 }]]);
    const failing = sql.transaction([
      sql`insert into people values (2, 'b')`,
      sql`insert into people values (3, 'x')`,
    ]);
    expect(await failureOf(failing)).toMatchObject({
      code: '23514',
      constraint: 'people_name_check',
    });
    expect(await sql`select id from people`).toEqual([{ id: 1 }]);
  });

  it('has the modes that were asked for', async () => {
    const modes = await sql.transaction(
      [
        sql`select current_setting('transaction_isolation') as isolation,
          current_setting('transaction_read_only') as read_only,
          current_setting('transaction_deferrable') as deferrable`,
      ],
      { isolationLevel: 'Serializable', readOnly: true, deferrable: true },
    );
    expect(modes).toEqual([[{ isolation: 'serializable', read_only: 'on', deferrable: 'on' }]]);
    const write = sql.transaction([sql`insert into people values (1, 'a')`], { readOnly: true });
    expect(await failureOf(write)).toMatchObject({ code: '25006' });
  });
});

describe('who may connect', () => {
  it('refuses a wrong password in its own words', async () => {
    const wrong = new URL(endpointUrl(database.url));
    wrong.password = 'guess';
    expect(await failureOf(neon(wrong.href)`select 1`)).toMatchObject({
      message: `password authentication failed for user 'consenthub'`,
      code: undefined,
    });
  });

  it('refuses a database that does not exist', async () => {
    const wrong = new URL(endpointUrl(database.url));
    wrong.pathname = '/missing';
    expect(await failureOf(neon(wrong.href)`select 1`)).toMatchObject({ code: '3D000' });
  });
});

describe('a WebSocket', () => {
  it.each([
    ['of the platform', undefined],
    ['of the package ws', WebSocket],
  ])('%s carries a session', async (_name, webSocketConstructor) => {
    neonConfig.webSocketConstructor = webSocketConstructor;
    const client = new Client(endpointUrl(database.url));
    await client.connect();
    await client.query('begin');
    await client.query('insert into people values ($1, $2)', [1, 'é€😀'.repeat(50_000)]);
    await client.query('rollback');
    expect((await client.query('select * from people')).rowCount).toBe(0);
    expect((await client.query(`select repeat('x', 1000000) as x`)).rows[0].x).toHaveLength(1e6);
    await client.end();
  });

  // The driver sends the password ahead and takes that for a connection; the refusal comes later.
  it('takes a wrong password to PostgreSQL', async () => {
    const wrong = new URL(endpointUrl(database.url));
    wrong.password = 'guess';
    const client = new Client(wrong.href);
    const errors: unknown[] = [];
    client.on('error', (error: unknown) => errors.push(error));
    const ended = new Promise<void>((resolve) => client.on('end', () => resolve()));
    await client.connect();
    await ended;
    expect(errors[0]).toMatchObject({ code: '28P01' });
  });

  it('serves a pool', async () => {
    const pool = new Pool({ connectionString: endpointUrl(database.url), max: 3 });
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => pool.query('select $1::int as n', [n])),
    );
    expect(answers.map(({ rows }) => rows[0].n)).toEqual([1, 2, 3, 4, 5]);
    await pool.end();
  });
});

describe('a fault', () => {
  it('hang: no answer, until the caller gives up', async () => {
    simulator.setFault('hang');
    const fetchOptions = { signal: AbortSignal.timeout(100) };
    const error = await failureOf(sql.query('select 1', [], { fetchOptions }));
    expect(error.sourceError).toMatchObject({ name: 'TimeoutError' });
  });

  it('refuse: the connection is reset', async () => {
    simulator.setFault('refuse');
    const error = await failureOf(sql`insert into people values (1, 'a')`);
    expect(error.sourceError).toMatchObject({ message: 'fetch failed' });
    const client = new Client(endpointUrl(database.url));
    await expect(client.connect()).rejects.toBeDefined();
    simulator.setFault('none');
    expect(await sql`select * from people`).toEqual([]);
  });

  it('unavailable: the proxy is there, the database is not', async () => {
    simulator.setFault('unavailable');
    const error = await failureOf(sql`select 1`);
    expect(error.message).toMatch(/^Server error \(HTTP status 500\).*connect to compute node/);
  });

  it('reset-after-commit: carried out, but nobody hears of it', async () => {
    simulator.setFault('reset-after-commit', 1);
    const error = await failureOf(sql`insert into people values (1, 'a')`);
    expect(error.sourceError).toMatchObject({ message: 'fetch failed' });
    expect(await sql`select id from people`).toEqual([{ id: 1 }]);
  });

  it('delayMs: a compute that has to be woken for the first request', async () => {
    simulator.setFault({ delayMs: 150 }, 1);
    const start = performance.now();
    await sql`select 1`;
    expect(performance.now() - start).toBeGreaterThanOrEqual(149);
  });

  it('a server that is not there', async () => {
    const nowhere = await startNeonSimulator({ upstream: 'postgres://127.0.0.1:1' });
    neonConfig.fetchEndpoint = nowhere.url;
    const error = await failureOf(sql`select 1`);
    neonConfig.fetchEndpoint = simulator.url;
    expect(error.message).toContain('HTTP status 500');
    await nowhere.close();
  });
});
