import {
  Client,
  neon,
  neonConfig,
  NeonDbError,
  type NeonQueryFunction,
  Pool,
} from '@neondatabase/serverless';
import { Client as DirectClient } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type NeonSimulator, startNeonSimulator } from '../../simulators/neon/index.ts';

/** Every field in which PostgreSQL describes an error, as `pg` and Neon's driver name them. */
const ERROR_FIELDS = [
  'message',
  'severity',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const;

const FIELD_PROPERTIES = [
  'name',
  'dataTypeID',
  'tableID',
  'columnID',
  'dataTypeSize',
  'dataTypeModifier',
  'format',
] as const;

const MAX_BYTES = 100_000;

const SCHEMA = `
  create type mood as enum ('calm', 'tense');
  create type pair as (first int, second text);
  create domain short as text constraint short_length check (length(value) < 4);
  create table parents (id int primary key);
  create table people (
    id int primary key,
    name text not null constraint people_name_check check (name <> 'x'),
    nick short,
    parent int references parents deferrable initially deferred
  );
  create function refuse() returns int language plpgsql as $$
  begin
    raise exception 'refused' using
      errcode = 'CH001', detail = 'a detail', hint = 'a hint', column = 'c', constraint = 'k',
      datatype = 'd', table = 't', schema = 's';
  end $$;
  create function broken() returns int language plpgsql as $$
  begin
    return (select missing from people);
  end $$`;

type Query = readonly [text: string, params?: readonly unknown[]];

interface Answer {
  readonly command: string | null;
  readonly rowCount: number | null;
  readonly rows: unknown[];
  readonly fields: readonly object[];
}

let database: TestDatabase;
let simulator: NeonSimulator;
let url: string;
let sql: NeonQueryFunction<false, false>;

/** The truth: PostgreSQL itself, without a proxy. */
let direct: DirectClient;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(SCHEMA);
  simulator = await startNeonSimulator({ upstream: database.url, maxBytes: MAX_BYTES });
  neonConfig.fetchEndpoint = simulator.url;
  neonConfig.wsProxy = simulator.webSocketProxy;
  neonConfig.useSecureWebSocket = false;
  const endpoint = new URL(database.url);
  endpoint.hostname = 'ep-quiet-lake-123456.eu-central-1.aws.neon.tech';
  endpoint.port = '';
  url = endpoint.href;
  sql = neon(url);
  direct = new DirectClient(database.url);
  await direct.connect();
});

beforeEach(() => database.pool.query('truncate people, parents'));

afterAll(async () => {
  await direct.end();
  await simulator.close();
  await database.drop();
});

function pick(source: object, names: readonly string[]): Record<string, unknown> {
  const entries = new Map<string, unknown>(Object.entries(source));
  if (source instanceof Error) entries.set('message', source.message);
  return Object.fromEntries(names.map((name) => [name, entries.get(name) ?? undefined]));
}

function comparable({ command, rowCount, rows, fields }: Answer) {
  return { command, rowCount, rows, fields: fields.map((field) => pick(field, FIELD_PROPERTIES)) };
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error;
  throw new Error('Expected an error.');
}

function descriptionOf(error: Error): Record<string, unknown> {
  return pick(error, ERROR_FIELDS);
}

function directQuery([text, params = []]: Query, rowMode?: 'array'): Promise<Answer> {
  const config = { text, values: [...params], queryMode: 'extended', rowMode };
  return direct.query(config);
}

async function inTransaction<T>(work: () => Promise<T>): Promise<T> {
  await direct.query('begin');
  try {
    return await work();
  } finally {
    await direct.query('rollback');
  }
}

async function session<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const VALUES: Readonly<Record<string, Query>> = {
  numbers: [
    `select $1::smallint a, $2::int b, $3::bigint c, $4::numeric d, $5::real e, $6::float8 f,
      'NaN'::float8 g, '-Infinity'::float8 h, 1e400::numeric i, 12.50::numeric(10, 2) j`,
    [-32768, 2147483647, '-9223372036854775808', '0.10000000000000000000001', 1.5, -1e300],
  ],
  'numbers of JavaScript': [
    `select $1::text a, $2::numeric b, $3::bigint c, $4::text d`,
    [1.5, 1e21, 9007199254740993n, true],
  ],
  text: [
    `select $1::text a, $2::varchar(3) b, $3::char(5) c, $4::name d, ''::text e, $5::text f`,
    ['é€😀\n\t"\'\\', 'abc', 'ab', 'n', '\u0001\u2028'],
  ],
  'booleans and NULL': [
    `select $1::boolean a, $2::boolean b, $3::text c, $4::int d`,
    [true, false, null, undefined],
  ],
  'dates and times': [
    `select $1::timestamptz a, timestamp '2026-02-03 04:05:06.789012' b, date '0044-03-15 BC' c,
      time '04:05' d, timetz '04:05+02' e, interval '1 year 2 days 3.5 seconds' f,
      'infinity'::timestamptz g, $2::date h`,
    [new Date('2026-11-22T10:00:00.123Z'), '2026-11-22'],
  ],
  json: [
    `select $1::json a, $2::jsonb b, 'null'::jsonb c, '[1, "x", null]'::jsonb d, $3::jsonb e`,
    [{ b: 1, a: [true, null, 'é'] }, { nested: { deep: [{}] } }, '"text"'],
  ],
  arrays: [
    `select $1::int[] a, $2::text[] b, $3::boolean[] c, '{}'::text[] d, $4::int[][] e,
      $5::jsonb[] f, array['2026-01-01'::date] g, '{a,b}'::char(1)[] h, '[2:3]={1,2}'::int[] i,
      array[1.5, null]::numeric[] j, array[9007199254740993]::bigint[] k`,
    [
      [1, null, 3],
      ['a', '', 'c,"d\\', 'NULL', null, '{}'],
      [true, false],
      [
        [1, 2],
        [3, 4],
      ],
      [{ a: 1 }, { b: '"' }],
    ],
  ],
  bytes: [
    `select $1::bytea a, ''::bytea b, $2::bytea c`,
    [Buffer.from([0, 1, 254, 255]), String.raw`\xdeadbeef`],
  ],
  'types of the database': [
    `select $1::mood a, row(1, 'two')::pair b, $2::short c, array['calm']::mood[] d,
      int4range(1, 5) e, '10.0.0.1/8'::inet f, $3::uuid g, '(1,2)'::point h, b'101' i,
      '$1.50'::money j, 'a b'::tsvector k, 'people'::regclass::text l, '<a/>'::xml is document m`,
    ['tense', 'abc', '0A000000-0000-4000-8000-000000000001'],
  ],
  'columns of tables, and without names': [`select p.*, 1, 2, 'x' "é", p.id id from people p`],
  'no columns': [`select from generate_series(1, 2)`],
  'no rows': [`select 1 a where false`],
  'no statement': [`-- nothing`],
  INSERT: [
    `insert into people (id, name) select n, 'p' || n from generate_series($1::int, $2::int) n`,
    [1, 3],
  ],
  'INSERT with RETURNING': [`insert into people values (1, 'a') returning id, name`],
  UPDATE: [`update people set name = 'b' where false`],
  DELETE: [`delete from people`],
  'WITH and MERGE': [
    `merge into people using (values (1)) v(id) on people.id = v.id
      when not matched then insert (id, name) values (v.id, 'm')`,
  ],
  DDL: [`create temporary table scratch_${process.pid} (a int)`],
  SHOW: [`show standard_conforming_strings`],
  EXPLAIN: [`explain (costs off) select 1`],
  VALUES: [`values (1, 'a'), (2, null)`],
};

describe.each(Object.entries(VALUES))('%s', (_name, query) => {
  const [text, params = []] = query;

  it('come over HTTP as from PostgreSQL', async () => {
    const expected = comparable(await inTransaction(() => directQuery(query)));
    const answer = await sql.query(text, [...params], { fullResults: true });
    expect(comparable(answer)).toEqual({ ...expected, command: expected.command ?? '' });
  });

  it('come over HTTP in arrays as from PostgreSQL', async () => {
    const { rows } = await inTransaction(() => directQuery(query, 'array'));
    expect(await sql.query(text, [...params], { arrayMode: true })).toEqual(rows);
  });

  it('come over HTTP in a transaction as from PostgreSQL', async () => {
    const { rows } = await inTransaction(() => directQuery(query));
    expect(await sql.transaction([sql.query(text, [...params])])).toEqual([rows]);
  });

  it('come over a WebSocket as from PostgreSQL', async () => {
    const expected = comparable(await inTransaction(() => directQuery(query)));
    const answer = await session((client) => client.query(text, [...params]));
    expect(comparable(answer)).toEqual(expected);
  });
});

const FAILURES: Readonly<Record<string, Query>> = {
  'a syntax error': ['selec 1'],
  'an unfinished text': [`select 'a`],
  'an unknown column, with a hint': ['select nam from people'],
  'an unknown table': ['select * from nowhere'],
  'an unknown function': ['select nothing(1)'],
  'types that do not fit': ['select 1 + $1::text', ['a']],
  'a text that is no number': ['select $1::int', ['one']],
  'a number that is too large': ['select $1::smallint', [40_000]],
  'a division by zero': ['select 1 / $1::int', [0]],
  'an impossible date': ['select $1::date', ['2026-02-30']],
  'a text that is no JSON': ['select $1::jsonb', ['{"a":']],
  'a NUL in a text': ['select $1::text', ['a\u0000b']],
  'an unknown word of an enumeration': ['select $1::mood', ['merry']],
  'a domain that is not met': [`insert into people values (1, 'a', 'long')`],
  'a missing value': ['insert into people (id) values ($1)', [1]],
  'a check that fails': [`insert into people values (1, 'x')`],
  'a key that is there already': [`insert into people values (1, 'a'), (1, 'b')`],
  'a key that is not there, found at the commit': [`insert into people values (1, 'a', null, 7)`],
  'an exception of a function, in all fields': ['select refuse()'],
  'an error inside a function': ['select broken()'],
  'too few parameters': ['select $1::int, $2::int', [1]],
  'a file that is not there': ['select pg_read_file($1)', ['/nowhere']],
};

describe.each(Object.entries(FAILURES))('%s', (_name, query) => {
  const [text, params = []] = query;
  let expected: Record<string, unknown>;

  beforeEach(async () => {
    expected = descriptionOf(await failureOf(directQuery(query)));
  });

  it('is reported over HTTP as by PostgreSQL', async () => {
    const error = await failureOf(sql.query(text, [...params]));
    expect(error).toBeInstanceOf(NeonDbError);
    expect(descriptionOf(error)).toEqual(expected);
  });

  it('is reported over HTTP from a transaction, which leaves nothing behind', async () => {
    const steps = [sql`insert into parents values (1)`, sql.query(text, [...params])];
    expect(descriptionOf(await failureOf(sql.transaction(steps)))).toEqual(expected);
    expect(await sql`select id from parents`).toEqual([]);
  });

  it('is reported over a WebSocket as by PostgreSQL', async () => {
    const error = await session((client) => failureOf(client.query(text, [...params])));
    expect(descriptionOf(error)).toEqual(expected);
  });
});

describe('a transaction over HTTP', () => {
  const LEVELS = [
    ['ReadUncommitted', 'read uncommitted'],
    ['ReadCommitted', 'read committed'],
    ['RepeatableRead', 'repeatable read'],
    ['Serializable', 'serializable'],
  ] as const;
  const MODES = LEVELS.flatMap(([isolationLevel, level]) =>
    [false, true].flatMap((readOnly) =>
      [false, true].map((deferrable) => ({ isolationLevel, level, readOnly, deferrable })),
    ),
  );

  it.each(MODES)('has the modes %j', async ({ level, ...options }) => {
    const query = sql`select current_setting('transaction_isolation') as level,
      current_setting('transaction_read_only') as "readOnly",
      current_setting('transaction_deferrable') as deferrable`;
    const onOff = (on: boolean) => (on ? 'on' : 'off');
    expect(await sql.transaction([query], options)).toEqual([
      [{ level, readOnly: onOff(options.readOnly), deferrable: onOff(options.deferrable) }],
    ]);
  });

  it('may be told how results look, as a whole and one by one', async () => {
    const results = await sql.transaction(
      [sql`select 1 as a`, sql.query('select 2 as b', [], { arrayMode: false })],
      { arrayMode: true, fullResults: true },
    );
    expect(results.map(({ rows, rowAsArray }) => [rows, rowAsArray])).toEqual([
      [[[1]], true],
      [[{ b: 2 }], false],
    ]);
  });

  it('keeps a setting to itself, and is ended by its time limit', async () => {
    const limit = `select set_config('statement_timeout', '20', true)`;
    const sleep = 'select pg_sleep(60)';
    const expected = await inTransaction(async () => {
      await direct.query(limit);
      return descriptionOf(await failureOf(directQuery([sleep])));
    });
    expect(expected).toMatchObject({ code: '57014' });
    const error = await failureOf(sql.transaction([sql.query(limit), sql.query(sleep)]));
    expect(descriptionOf(error)).toEqual(expected);
    expect(await sql`show statement_timeout`).toEqual([{ statement_timeout: '0' }]);
  });

  it("loses against one that has the row, with PostgreSQL's words", async () => {
    await sql`insert into parents values (1)`;
    const lock = 'select id from parents for update nowait';
    await direct.query('begin');
    await direct.query(lock);
    const expected = descriptionOf(await failureOf(database.pool.query(lock)));
    const error = await failureOf(sql.transaction([sql.query(lock)]));
    await direct.query('rollback');
    expect(expected).toMatchObject({ code: '55P03' });
    expect(descriptionOf(error)).toEqual(expected);
  });
});

describe('a request over HTTP', () => {
  async function post(body: string, changes: Readonly<Record<string, string | undefined>> = {}) {
    const headers = {
      'neon-connection-string': url,
      'neon-raw-text-output': 'true',
      'neon-array-mode': 'true',
      ...changes,
    };
    const sent = Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] satisfies [string, string]],
    );
    const response = await fetch(simulator.url, { method: 'POST', headers: sent, body });
    return { status: response.status, body: await response.json() };
  }

  it('is answered with text, whatever the type', async () => {
    const query = `select $1::int a, $2::text b, $3::boolean c, $4::jsonb d, null e`;
    const { status, body } = await post(
      JSON.stringify({ query, params: [1, '2', true, { x: 1 }] }),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      command: 'SELECT',
      rowCount: 1,
      rowAsArray: true,
      rows: [['1', '2', 't', '{"x": 1}', null]],
    });
  });

  it('is refused with all fields, null where nothing is known', async () => {
    const none = Object.fromEntries([...ERROR_FIELDS].map((field) => [field, null]));
    expect(await post('{"query": "select nothing"}')).toEqual({
      status: 400,
      body: {
        ...none,
        message: 'column "nothing" does not exist',
        code: '42703',
        severity: 'ERROR',
        position: '8',
        file: expect.stringContaining('.c'),
        line: expect.stringMatching(/^\d+$/),
        routine: 'errorMissingColumn',
      },
    });
    expect(await post('{"query": "select 1"}', { 'neon-connection-string': undefined })).toEqual({
      status: 400,
      body: { ...none, message: 'invalid header: neon-connection-string' },
    });
  });

  it.each([
    ['nonsense', 'invalid connection string: relative URL without a base'],
    ['https://u:p@host/db', 'incorrect scheme'],
    ['postgres://u:p@host', 'missing database name'],
    ['postgres://host/db', 'missing username'],
    ['postgres://u@host/db', 'missing authentication credentials: required password'],
  ])('with the connection string %s is refused', async (connectionString, message) => {
    const answer = await post('{"query": "select 1"}', {
      'neon-connection-string': connectionString,
    });
    expect(answer).toMatchObject({ status: 400, body: { message, code: null } });
  });

  it.each(['', '[]', '{"query": 1}', '{"queries": {}}', '{"query": "select 1"'])(
    'with the body %j is refused',
    async (body) => {
      expect(await post(body)).toMatchObject({
        status: 400,
        body: { message: expect.stringMatching(/^could not parse the HTTP request body: /) },
      });
    },
  );

  it('for another isolation level is refused', async () => {
    const answer = await post('{"queries": []}', { 'neon-batch-isolation-level': 'Chaos' });
    expect(answer).toMatchObject({ status: 400, body: { message: 'invalid isolation level' } });
  });

  it('that is too large is refused', async () => {
    const error = await failureOf(sql.query('select $1::text', ['x'.repeat(MAX_BYTES)]));
    expect(error.message).toContain('HTTP status 413');
    expect(error.message).toContain(`request is too large (max is ${MAX_BYTES} bytes)`);
  });

  it('for too large an answer is refused, and its transaction undone', async () => {
    const large = sql.query(`select repeat('x', ${MAX_BYTES})`);
    const message = `response is too large (max is ${MAX_BYTES} bytes)`;
    const error = await failureOf(sql.transaction([sql`insert into parents values (1)`, large]));
    expect(error.message).toContain('HTTP status 507');
    expect(error.message).toContain(message);
    expect(await sql`select id from parents`).toEqual([]);
    const half = sql.query(`select repeat('x', ${MAX_BYTES / 2})`);
    expect((await failureOf(sql.transaction([half, half]))).message).toContain(message);
    expect(await half).toHaveLength(1);
  });
});

describe('a session over a WebSocket', () => {
  const SESSIONS = `select count(*)::int as count from pg_stat_activity
    where datname = current_database() and application_name = 'contract'`;

  function contractUrl(): string {
    const named = new URL(url);
    named.searchParams.set('application_name', 'contract');
    return named.href;
  }

  it('keeps its state until it ends, and the server with it', async () => {
    const client = new Client(contractUrl());
    await client.connect();
    await client.query(`set search_path to nowhere`);
    await client.query('create temporary table kept (a int)');
    await client.query({
      name: 'insert',
      text: 'insert into pg_temp.kept values ($1)',
      values: [1],
    });
    await client.query({
      name: 'insert',
      text: 'insert into pg_temp.kept values ($1)',
      values: [2],
    });
    expect((await client.query('show search_path')).rows).toEqual([{ search_path: 'nowhere' }]);
    expect((await client.query('select a from pg_temp.kept')).rows).toEqual([{ a: 1 }, { a: 2 }]);
    expect(await sql.query(SESSIONS)).toEqual([{ count: 1 }]);
    await client.end();
    await expect.poll(() => sql.query(SESSIONS)).toEqual([{ count: 0 }]);
  });

  it('carries a transaction with savepoints', () =>
    session(async (client) => {
      await client.query('begin isolation level serializable');
      await client.query('insert into parents values (1)');
      await client.query('savepoint here');
      const error = await failureOf(client.query('insert into parents values (1)'));
      expect(error).toMatchObject({ code: '23505', constraint: 'parents_pkey' });
      expect(await failureOf(client.query('select 1'))).toMatchObject({ code: '25P02' });
      await client.query('rollback to here');
      await client.query('insert into parents values (2)');
      expect(await sql`select id from parents`).toEqual([]);
      await client.query('commit');
      expect(await sql`select id from parents order by id`).toEqual([{ id: 1 }, { id: 2 }]);
    }));

  it('hears notifications', () =>
    session(async (client) => {
      const heard = new Promise((resolve) => client.once('notification', resolve));
      await client.query('listen news');
      await sql`select pg_notify('news', 'é')`;
      expect(await heard).toMatchObject({ channel: 'news', payload: 'é' });
    }));

  it('takes several statements at once, as PostgreSQL does without parameters', () =>
    session(async (client) => {
      const text = 'select 1 as a; select 2 as b';
      const [ours, theirs]: unknown[][] = await Promise.all(
        [client.query(text), direct.query(text)].map((answer) => answer.then(several)),
      );
      expect(ours).toEqual(theirs);
    }));

  it('that the server ends is reported, and a pool opens another', async () => {
    const pool = new Pool({ connectionString: contractUrl(), max: 1 });
    // The server's last words, and then the end of the connection.
    const errors: unknown[] = [];
    pool.on('error', (error: unknown) => errors.push(error));
    await pool.query('select 1');
    await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'contract'`,
    );
    await expect.poll(() => errors[0]).toMatchObject({ code: '57P01', severity: 'FATAL' });
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  it('waits for its turn when a pool is used up', async () => {
    const pool = new Pool({ connectionString: url, max: 1 });
    const first = await pool.connect();
    const waiting = pool.query('select 2 as n');
    expect((await first.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
    expect(pool.waitingCount).toBe(1);
    first.release();
    expect((await waiting).rows).toEqual([{ n: 2 }]);
    await pool.end();
  });
});

/** The rows of each of several results. */
function several(answer: unknown): unknown[] {
  return Array.isArray(answer) ? answer.map(({ rows }: Answer) => rows) : [];
}
