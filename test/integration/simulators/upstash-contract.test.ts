import { createHash } from 'node:crypto';
import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, CommandLine, Reply } from '../../simulators/upstash/backend.ts';
import { startUpstashSimulator, type UpstashSimulator } from '../../simulators/upstash/index.ts';
import { createMemoryBackend } from '../../simulators/upstash/memory-backend.ts';
import { connectRedisBackend, type RedisBackend } from '../../simulators/upstash/redis-backend.ts';
import { RedisError } from '../../simulators/upstash/redis-error.ts';
import { Store } from '../../simulators/upstash/store.ts';
import { startRedisServer } from '../../support/redis-server.ts';

const TOKEN = 'simulated-token';
const DELETE_IF_EQUALS =
  'if redis.call("GET",KEYS[1]) == ARGV[1] then return redis.call("DEL",KEYS[1]) else return 0 end';
const EXPIRE_IF_EQUALS = `
  if redis.call('get', KEYS[1]) == ARGV[1] then
    return redis.call('pexpire', KEYS[1], ARGV[2])
  else
    return 0
  end`;

const MAX_INTEGER = '9223372036854775807';
const NOT_AN_INTEGER = error('ERR value is not an integer or out of range');
const SYNTAX_ERROR = error('ERR syntax error');

const server = await startRedisServer();
const WITHOUT_SERVER =
  'Not compared with a real Redis: there is no redis-server on the PATH (apt-get install redis-server).';
if (server === undefined) process.stderr.write(`${WITHOUT_SERVER}\n`);

afterAll(() => server?.stop());

const backends: [string, () => Promise<RedisBackend>][] = [
  ['its own store', async () => memoryBackend()],
  ...(server === undefined
    ? []
    : [
        ['a real Redis', () => connectRedisBackend(server.socketPath)] satisfies [
          string,
          () => Promise<RedisBackend>,
        ],
      ]),
];

function memoryBackend(): RedisBackend {
  return { ...createMemoryBackend(new Store(Date.now)), close() {} };
}

function result(value: unknown) {
  return { result: value };
}

function error(message: string) {
  return { error: message };
}

function sha1(script: string): string {
  return createHash('sha1').update(script).digest('hex');
}

/** The commands of a session, each with its answer. */
type Session = readonly (readonly [command: readonly unknown[], answer: object])[];

const SESSIONS: Readonly<Record<string, Session>> = {
  'GET, SET, MGET, EXISTS and DEL': [
    [['GET', 'a'], result(null)],
    [['SET', 'a', 'é€😀'], result('OK')],
    [['set', 'b', 12], result('OK')],
    [['SET', 'c', true], result('OK')],
    [['SET', 'd', ''], result('OK')],
    [['SET', '', 'OK'], result('OK')],
    [
      ['MGET', 'a', 'b', 'c', 'd', 'e', '', 'a'],
      result(['é€😀', '12', 'true', '', null, 'OK', 'é€😀']),
    ],
    [['EXISTS', 'a', 'a', 'b', 'e'], result(3)],
    [['DEL', 'a', 'a', 'b', 'e'], result(2)],
    [['EXISTS', 'a'], result(0)],
    [['SET', 'a\u0000b', '\u0000\r\n'], result('OK')],
    [['GET', 'a\u0000b'], result('\u0000\r\n')],
    [['SET', 'half', 'a\ud800b'], result('OK')],
    [['GET', 'half'], result('a\ufffdb')],
  ],
  GETDEL: [
    [['SET', 'a', '1', 'EX', 100], result('OK')],
    [['GETDEL', 'a'], result('1')],
    [['GETDEL', 'a'], result(null)],
    [['TTL', 'a'], result(-2)],
  ],
  'SET on conditions': [
    [['SET', 'a', '1', 'XX'], result(null)],
    [['SET', 'a', '1', 'XX', 'GET'], result(null)],
    [['SET', 'a', '1', 'NX'], result('OK')],
    [['SET', 'a', '2', 'nx'], result(null)],
    [['SET', 'a', '2', 'NX', 'GET'], result('1')],
    [['SET', 'a', '3', 'get', 'XX', 'PX', 100_000], result('1')],
    [['GET', 'a'], result('3')],
    [['SET', 'b', '1', 'NX', 'GET'], result(null)],
    [['GET', 'b'], result('1')],
  ],
  'SET with a lifetime': [
    [['SET', 'a', '1', 'EX', '1000'], result('OK')],
    [['TTL', 'a'], result(expect.toSatisfy(within(900, 1000)))],
    [['PTTL', 'a'], result(expect.toSatisfy(within(900_000, 1_000_000)))],
    [['SET', 'a', '2', 'KEEPTTL'], result('OK')],
    [['TTL', 'a'], result(expect.toSatisfy(within(900, 1000)))],
    [['SET', 'a', '3', 'NX', 'PX', '5'], result(null)],
    [['TTL', 'a'], result(expect.toSatisfy(within(900, 1000)))],
    [['SET', 'a', '4'], result('OK')],
    [['TTL', 'a'], result(-1)],
    [['PTTL', 'a'], result(-1)],
    [['SET', 'a', '5', 'EX', '1', 'ex', '1000'], result('OK')],
    [['TTL', 'a'], result(expect.toSatisfy(within(900, 1000)))],
    [['SET', 'b', '1', 'KEEPTTL', 'KEEPTTL'], result('OK')],
    [['TTL', 'b'], result(-1)],
    [['SET', 'past', '1', 'EXAT', '1700000000'], result('OK')],
    [['GET', 'past'], result(null)],
    [['SET', 'past', '1', 'PXAT', '1700000000000', 'GET'], result(null)],
    [['EXISTS', 'past'], result(0)],
    [['SET', 'far', '1', 'PXAT', '4000000000000'], result('OK')],
    [['GET', 'far'], result('1')],
  ],
  'what SET refuses': [
    [['SET', 'a'], error("ERR wrong number of arguments for 'set' command")],
    [['SET', 'a', '1', 'XY'], SYNTAX_ERROR],
    [['SET', 'a', '1', 'NX', 'XX'], SYNTAX_ERROR],
    [['SET', 'a', '1', 'EX'], SYNTAX_ERROR],
    [['SET', 'a', '1', 'EX', '1', 'PX', '1'], SYNTAX_ERROR],
    [['SET', 'a', '1', 'EX', '1', 'KEEPTTL'], SYNTAX_ERROR],
    [['SET', 'a', '1', 'KEEPTTL', 'EX', '1'], SYNTAX_ERROR],
    [['SET', 'a', '1', 'EX', 'soon', 'XY'], SYNTAX_ERROR],
    [['SET', 'a', '1', 'EX', 'soon'], NOT_AN_INTEGER],
    [['SET', 'a', '1', 'EX', '1.5'], NOT_AN_INTEGER],
    [['SET', 'a', '1', 'EX', '01'], NOT_AN_INTEGER],
    [['SET', 'a', '1', 'EX', '0'], error("ERR invalid expire time in 'set' command")],
    [['SET', 'a', '1', 'PX', '-1'], error("ERR invalid expire time in 'set' command")],
    [['SET', 'a', '1', 'EX', MAX_INTEGER], error("ERR invalid expire time in 'set' command")],
    [['SET', 'a', '1', 'PX', MAX_INTEGER], error("ERR invalid expire time in 'set' command")],
    [['SET', 'a', '1', 'PX', `${MAX_INTEGER}0`], NOT_AN_INTEGER],
    [['EXISTS', 'a'], result(0)],
  ],
  'EXPIRE and PEXPIRE': [
    [['EXPIRE', 'a', '10'], result(0)],
    [['SET', 'a', '1'], result('OK')],
    [['EXPIRE', 'a', '1000', 'XX'], result(0)],
    [['EXPIRE', 'a', '1000', 'GT'], result(0)],
    [['EXPIRE', 'a', '1000', 'lt'], result(1)],
    [['EXPIRE', 'a', '500', 'NX'], result(0)],
    [['PEXPIRE', 'a', '500000', 'GT'], result(0)],
    [['PEXPIRE', 'a', '2000000', 'GT', 'XX'], result(1)],
    [['TTL', 'a'], result(expect.toSatisfy(within(1900, 2000)))],
    [['PEXPIRE', 'a', '500000', 'LT'], result(1)],
    [['TTL', 'a'], result(expect.toSatisfy(within(400, 500)))],
    [['EXPIRE', 'a', '0'], result(1)],
    [['GET', 'a'], result(null)],
    [['SET', 'a', '1'], result('OK')],
    [['PEXPIRE', 'a', '-1'], result(1)],
    [['EXISTS', 'a'], result(0)],
  ],
  'what EXPIRE refuses': [
    [['EXPIRE', 'a'], error("ERR wrong number of arguments for 'expire' command")],
    [['PEXPIRE', 'a', ''], NOT_AN_INTEGER],
    [['EXPIRE', 'a', 'soon', 'ZZ'], error('ERR Unsupported option ZZ')],
    [
      ['EXPIRE', 'a', '1', 'NX', 'GT'],
      error('ERR NX and XX, GT or LT options at the same time are not compatible'),
    ],
    [
      ['EXPIRE', 'a', '1', 'GT', 'LT'],
      error('ERR GT and LT options at the same time are not compatible'),
    ],
    [['EXPIRE', 'a', MAX_INTEGER], error("ERR invalid expire time in 'expire' command")],
    [['EXPIRE', 'a', `-${MAX_INTEGER}`], error("ERR invalid expire time in 'expire' command")],
    [['PEXPIRE', 'a', MAX_INTEGER], error("ERR invalid expire time in 'pexpire' command")],
    [['PEXPIRE', 'a', `-${MAX_INTEGER}`], result(0)],
  ],
  'INCR and INCRBY': [
    [['INCR', 'n'], result(1)],
    [['INCRBY', 'n', -43], result(-42)],
    [['EXPIRE', 'n', '1000'], result(1)],
    [['INCRBY', 'n', '42'], result(0)],
    [['GET', 'n'], result('0')],
    [['TTL', 'n'], result(expect.toSatisfy(within(900, 1000)))],
    [['INCRBY', 'n', 'x'], NOT_AN_INTEGER],
    [['INCRBY', 'n', '+1'], NOT_AN_INTEGER],
    [['INCRBY', 'n', '-0'], NOT_AN_INTEGER],
    [['SET', 'n', MAX_INTEGER], result('OK')],
    [['INCR', 'n'], error('ERR increment or decrement would overflow')],
    [['INCRBY', 'n', `-${MAX_INTEGER}`], result(0)],
    [['SET', 'text', ' 1'], result('OK')],
    [['INCR', 'text'], NOT_AN_INTEGER],
    [['SET', 'text', '007'], result('OK')],
    [['INCRBY', 'text', '1'], NOT_AN_INTEGER],
    [['SET', 'text', ''], result('OK')],
    [['INCR', 'text'], NOT_AN_INTEGER],
    [['INCR'], error("ERR wrong number of arguments for 'incr' command")],
    [['INCRBY', 'n'], error("ERR wrong number of arguments for 'incrby' command")],
  ],
  'PING and FLUSHALL': [
    [['PING'], result('PONG')],
    [['ping', 'é'], result('é')],
    [['PING', 'a', 'b'], error("ERR wrong number of arguments for 'ping' command")],
    [['SET', 'a', '1'], result('OK')],
    [['FLUSHALL', 'later'], SYNTAX_ERROR],
    [['FLUSHALL', 'SYNC', 'SYNC'], SYNTAX_ERROR],
    [['EXISTS', 'a'], result(1)],
    [['FLUSHALL', 'async'], result('OK')],
    [['EXISTS', 'a'], result(0)],
  ],
  'a wrong number of arguments': [
    ...['GET', 'DEL', 'GETDEL', 'MGET', 'EXISTS', 'TTL', 'PTTL', 'EVAL', 'EVALSHA'].map(
      (name) =>
        [
          [name],
          error(`ERR wrong number of arguments for '${name.toLowerCase()}' command`),
        ] as const,
    ),
    [['GET', 'a', 'b'], error("ERR wrong number of arguments for 'get' command")],
    [['Ttl', 'a', 'b'], error("ERR wrong number of arguments for 'ttl' command")],
  ],
  'a command that does not exist': [
    [['NOPE'], error("ERR unknown command 'NOPE', with args beginning with: ")],
    [['Nope', 'a', 1], error("ERR unknown command 'Nope', with args beginning with: 'a' '1' ")],
    [
      ['NOPE', 'x'.repeat(100), 'y'.repeat(100), 'z'],
      error(
        `ERR unknown command 'NOPE', with args beginning with: '${'x'.repeat(100)}' '${'y'.repeat(25)}' `,
      ),
    ],
  ],
  'giving a lock back': [
    [['EVAL', DELETE_IF_EQUALS, 1, 'lock', 'mine'], result(0)],
    [['EVAL', DELETE_IF_EQUALS, 1, 'lock'], result(0)],
    [['SET', 'lock', 'mine', 'NX', 'PX', 100_000], result('OK')],
    [['EVAL', DELETE_IF_EQUALS, 1, 'lock', 'yours'], result(0)],
    [['EVALSHA', sha1(DELETE_IF_EQUALS), 1, 'lock', 'yours'], result(0)],
    [['EVALSHA', sha1(DELETE_IF_EQUALS).toUpperCase(), 1, 'lock', 'mine'], result(1)],
    [['GET', 'lock'], result(null)],
    [['SET', 'lock', 'mine'], result('OK')],
    [['EVAL', DELETE_IF_EQUALS, '2', 'lock', 'other', 'mine', 'more'], result(1)],
  ],
  'prolonging a lock': [
    [['SET', 'lock', 'mine', 'PX', 100_000], result('OK')],
    [['EVAL', EXPIRE_IF_EQUALS, 1, 'lock', 'yours', 500_000], result(0)],
    [['EVAL', EXPIRE_IF_EQUALS, 1, 'lock', 'mine', 500_000], result(1)],
    [['TTL', 'lock'], result(expect.toSatisfy(within(400, 500)))],
    [
      ['EVAL', EXPIRE_IF_EQUALS, 1, 'lock', 'mine', 'soon'],
      scriptError(NOT_AN_INTEGER.error, EXPIRE_IF_EQUALS, 3),
    ],
    [
      ['EVAL', EXPIRE_IF_EQUALS, 1, 'lock', 'mine'],
      scriptError(
        'ERR Lua redis lib command arguments must be strings or integers',
        EXPIRE_IF_EQUALS,
        3,
      ),
    ],
  ],
  'what EVAL and EVALSHA refuse': [
    [['EVAL', DELETE_IF_EQUALS, 'one', 'a'], NOT_AN_INTEGER],
    [
      ['EVAL', DELETE_IF_EQUALS, 2, 'a'],
      error("ERR Number of keys can't be greater than number of args"),
    ],
    [['EVAL', DELETE_IF_EQUALS, -1, 'a'], error("ERR Number of keys can't be negative")],
    [
      ['EVAL', DELETE_IF_EQUALS, 0, 'a'],
      scriptError(
        'ERR Lua redis lib command arguments must be strings or integers',
        DELETE_IF_EQUALS,
        1,
      ),
    ],
    [['EVALSHA', 'f'.repeat(40), 0], error('NOSCRIPT No matching script. Please use EVAL.')],
    [['EVALSHA', 'short', 0], error('NOSCRIPT No matching script. Please use EVAL.')],
    [
      ['EVALSHA', 'f'.repeat(40), 2, 'a'],
      error("ERR Number of keys can't be greater than number of args"),
    ],
  ],
};

function scriptError(message: string, script: string, line: number) {
  return error(`${message} script: ${sha1(script)}, on @user_script:${line}.`);
}

function within(low: number, high: number) {
  return (value: unknown) => typeof value === 'number' && value > low && value <= high;
}

describe.each(backends)('REST protocol in front of %s', (_name, openBackend) => {
  let backend: RedisBackend;
  let simulator: UpstashSimulator;

  beforeAll(async () => {
    backend = await openBackend();
    simulator = await startUpstashSimulator({ token: TOKEN, backend });
  });

  beforeEach(() => backend.run(['FLUSHALL']));

  afterAll(async () => {
    await simulator.close();
    backend.close();
  });

  async function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    const response = await fetch(`${simulator.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  }

  function client(options: Partial<RedisConfigNodejs> = {}): Redis {
    return new Redis({
      url: simulator.url,
      token: TOKEN,
      retry: { retries: 0 },
      automaticDeserialization: false,
      enableTelemetry: false,
      ...options,
    });
  }

  describe.each(Object.entries(SESSIONS))('%s', (_session, session) => {
    const commands = session.map(([command]) => command);
    const answers = session.map(([, answer]) => answer);

    it('one by one', async () => {
      for (const [command, answer] of session) {
        const status = 'error' in answer ? 400 : 200;
        expect({ command, ...(await post('/', command)) }).toEqual({
          command,
          status,
          body: answer,
        });
      }
    });

    it('in a pipeline', async () => {
      expect(await post('/pipeline', commands)).toEqual({ status: 200, body: answers });
    });
  });

  it('a transaction runs all commands, also after one that fails', async () => {
    const commands = [
      ['SET', 'a', 'x'],
      ['INCR', 'a'],
      ['GET', 'a'],
      ['EVALSHA', 'none', 0],
    ];
    expect(await post('/multi-exec', commands)).toEqual({
      status: 200,
      body: [
        result('OK'),
        NOT_AN_INTEGER,
        result('x'),
        error('NOSCRIPT No matching script. Please use EVAL.'),
      ],
    });
  });

  it.each([[['NOPE']], [['GET']], [['SET', 'a']]])(
    'a transaction with %j runs nothing',
    async (command) => {
      expect(await post('/multi-exec', [['SET', 'a', '1'], command, ['PING']])).toEqual({
        status: 400,
        body: error('EXECABORT Transaction discarded because of previous errors.'),
      });
      expect(await post('/multi-exec', [['GET', 'a']])).toEqual({
        status: 200,
        body: [result(null)],
      });
    },
  );

  it('base64 covers every string but OK, and no error', async () => {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const commands = [
      ['SET', 'a', 'OK'],
      ['GET', 'a'],
      ['PING'],
      ['MGET', 'a', 'b'],
      ['INCR', 'n'],
      ['INCR', 'a'],
    ];
    const answers = [
      result('OK'),
      result(base64('OK')),
      result(base64('PONG')),
      result([base64('OK'), null]),
      result(1),
      NOT_AN_INTEGER,
    ];
    const headers = { 'upstash-encoding': 'base64' };
    expect((await post('/pipeline', commands, headers)).body).toEqual(answers);
    expect((await post('/multi-exec', commands.slice(1), headers)).body).toEqual([
      ...answers.slice(1, 4),
      result(2),
      NOT_AN_INTEGER,
    ]);
  });

  it.each([
    ['/', 'no JSON', 'ERR failed to parse command'],
    ['/', '', 'ERR failed to parse command'],
    ['/', [], 'ERR failed to parse command'],
    ['/', ['GET', null], 'ERR failed to parse command'],
    ['/', [['GET', 'a']], 'ERR failed to parse command'],
    ['/pipeline', ['GET', 'a'], 'ERR failed to parse pipeline request'],
    ['/pipeline', [[]], 'ERR failed to parse pipeline request'],
    ['/multi-exec', {}, 'ERR failed to parse transaction request'],
  ])('a request to %s with %j is refused', async (path, body, message) => {
    expect(await post(path, body)).toEqual({ status: 400, body: error(message) });
  });

  it.each([
    ['none', {}],
    ['a wrong one', { authorization: 'Bearer guess' }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
  ])('a token that is needed: %s', async (_token, headers) => {
    for (const path of ['/', '/pipeline', '/multi-exec']) {
      const answer = await fetch(`${simulator.url}${path}`, {
        method: 'POST',
        headers,
        body: '["SET","a","1"]',
      });
      expect(answer.status).toBe(401);
      expect(await answer.json()).toEqual(error('WRONGPASS invalid or missing auth token'));
    }
    expect(await backend.run(['GET', 'a'])).toBeNull();
  });

  it.each([
    ['with pipelining, in base64', {}],
    ['as this project uses it', { enableAutoPipelining: false }],
    ['as text', { responseEncoding: false } as const],
  ])('the official client %s', async (_options, options) => {
    const redis = client(options);
    for (const value of ['plain', '123', 'OK', 'é€😀', '{"a":1}', '']) {
      expect(await redis.set('a', value, { ex: 1000 })).toBe('OK');
      expect(await redis.get('a')).toBe(value);
    }
    expect(await redis.ttl('a')).toSatisfy(within(900, 1000));
    expect(await redis.set('a', '1', { nx: true, px: 1000 })).toBeNull();
    expect(await redis.set('a', '1', { xx: true, get: true, keepTtl: true })).toBe('');
    expect(await redis.expire('a', 500, 'LT')).toBe(1);
    expect(await redis.pexpire('missing', 500)).toBe(0);
    expect(await redis.incrby('a', 41)).toBe(42);
    expect(await redis.mget('a', 'b')).toEqual(['42', null]);
    expect(await redis.exists('a', 'b')).toBe(1);
    expect(await redis.eval(DELETE_IF_EQUALS, ['a'], ['41'])).toBe(0);
    expect(await redis.evalsha(sha1(DELETE_IF_EQUALS), ['a'], ['42'])).toBe(1);
    expect(await redis.createScript(EXPIRE_IF_EQUALS).exec(['a'], ['1', '5'])).toBe(0);
    expect(await redis.getdel('a')).toBeNull();
    expect(await redis.ping()).toBe('PONG');
    const steps = redis.multi().set('t', 'x').get('t').del('t');
    expect(await steps.exec()).toEqual(['OK', 'x', 1]);
    const some = redis.pipeline().incr('n').get('n').set('n', 'x').incr('n');
    expect(await some.exec({ keepErrors: true })).toMatchObject([
      { result: 1 },
      { result: '1' },
      { result: 'OK' },
      { error: expect.stringContaining(NOT_AN_INTEGER.error) },
    ]);
    await expect(redis.incr('n')).rejects.toThrow(NOT_AN_INTEGER.error);
  });

  it('a lifetime ends by itself', async () => {
    await post('/', ['SET', 'short', '1', 'PX', '20']);
    await expect.poll(async () => (await post('/', ['GET', 'short'])).body).toEqual(result(null));
    expect(await post('/', ['PTTL', 'short'])).toMatchObject({ body: result(-2) });
  });
});

describe.runIf(server !== undefined)('commands at random', () => {
  let redis: RedisBackend;

  beforeAll(async () => {
    redis = await connectRedisBackend(server?.socketPath ?? '');
  });

  afterAll(() => redis.close());

  it('are answered alike by a real Redis', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(commandLine(), { minLength: 1, maxLength: 20 }), async (lines) => {
        const memory = memoryBackend();
        await redis.run(['FLUSHALL']);
        for (const line of lines.map(withLifetimes)) {
          const expected = { line, outcome: await outcome(redis, line) };
          expect({ line, outcome: await outcome(memory, line) }).toEqual(expected);
        }
      }),
      { seed: 20_261_122, numRuns: 400 },
    );
  });
});

const KEYS = ['a', 'b', 'c'];
const VALUES = ['', 'x', 'mine', '0', '7', '-3', '007', '9223372036854775800'];
/** Stands for a lifetime that no other command of the same run has. */
const LIFETIME = 'lifetime';
const LIFETIMES = [LIFETIME, LIFETIME, LIFETIME, '0', '-1', 'soon', MAX_INTEGER];

/** Lifetimes lie far apart, so that the time that a test takes never makes one look like another. */
function withLifetimes([name, ...args]: CommandLine, index: number): CommandLine {
  const lifetime = String(100_000 * (index + 1));
  return [name, ...args.map((arg) => (arg === LIFETIME ? lifetime : arg))];
}

function commandLine(): fc.Arbitrary<CommandLine> {
  const key = fc.constantFrom(...KEYS);
  const value = fc.constantFrom(...VALUES);
  const lifetime = fc.constantFrom(...LIFETIMES);
  const setOption = fc.oneof(
    fc.constantFrom(['NX'], ['XX'], ['GET'], ['KEEPTTL'], ['EX'], ['nope']),
    fc.tuple(fc.constantFrom('EX', 'PX', 'EXAT', 'PXAT', 'ex'), lifetime),
  );
  const conditions = fc.array(fc.constantFrom('NX', 'XX', 'GT', 'LT', 'gt', 'nope'), {
    maxLength: 2,
  });
  return fc.oneof(
    fc.tuple(fc.constantFrom('GET', 'GETDEL', 'TTL', 'PTTL', 'INCR'), key),
    fc.tuple(fc.constant('INCRBY'), key, value),
    fc
      .tuple(fc.constantFrom('MGET', 'DEL', 'EXISTS'), fc.array(key, { maxLength: 3 }))
      .map(([name, keys]): CommandLine => [name, ...keys]),
    fc
      .tuple(key, value, fc.array(setOption, { maxLength: 3 }))
      .map(([name, text, options]): CommandLine => ['SET', name, text, ...options.flat()]),
    fc
      .tuple(fc.constantFrom('EXPIRE', 'PEXPIRE'), key, lifetime, conditions)
      .map(([name, which, time, options]): CommandLine => [name, which, time, ...options]),
    fc
      .tuple(
        fc.constantFrom(DELETE_IF_EQUALS, EXPIRE_IF_EQUALS),
        fc.constantFrom('-1', '0', '1', '2', 'x'),
        fc.array(fc.constantFrom(...KEYS, ...VALUES, ...LIFETIMES), { maxLength: 4 }),
      )
      .map(([script, count, args]): CommandLine => ['EVAL', script, count, ...args]),
  );
}

async function outcome(backend: Backend, line: CommandLine): Promise<Reply | string> {
  try {
    const reply = await backend.run(line);
    const isTime = line[0].endsWith('TTL') && typeof reply === 'number' && reply > 0;
    // The two are asked one after the other: the time between them is no difference.
    return isTime ? Math.round(Math.log10(reply)) : reply;
  } catch (error_) {
    if (error_ instanceof RedisError) return error_.message;
    throw error_;
  }
}
