import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startUpstashSimulator, type UpstashSimulator } from '../../simulators/upstash/index.ts';

const TOKEN = 'simulated-token';
const COMPARE_AND_DELETE = `
  if redis.call('get', KEYS[1]) == ARGV[1] then
    return redis.call('del', KEYS[1])
  else
    return 0
  end`;

let nowMs = Date.parse('2026-11-22T10:00:00Z');
let simulator: UpstashSimulator;
let redis: Redis;

beforeAll(async () => {
  simulator = await startUpstashSimulator({ token: TOKEN, now: () => nowMs });
  redis = client();
});

beforeEach(() => redis.flushall());

afterEach(() => simulator.setFault('none'));

afterAll(() => simulator.close());

function client(options: Partial<RedisConfigNodejs> = {}): Redis {
  return new Redis({
    url: simulator.url,
    token: TOKEN,
    retry: { retries: 0 },
    automaticDeserialization: false,
    enableTelemetry: false,
    signal: () => AbortSignal.timeout(5000),
    ...options,
  });
}

async function post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${simulator.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

describe('strings', () => {
  it.each([
    ['in base64', {}],
    ['as they are', { responseEncoding: false } as const],
    ['without pipelining', { enableAutoPipelining: false }],
  ])('come back unchanged, %s', async (_name, options) => {
    const other = client(options);
    for (const value of ['plain', '123', 'OK', 'é€😀', '{"a":1}', '']) {
      expect(await other.set('key', value)).toBe('OK');
      expect(await other.get('key')).toBe(value);
    }
    expect(await other.get('missing')).toBeNull();
    expect(await other.mget('key', 'missing')).toEqual(['', null]);
  });

  it('are set on conditions', async () => {
    expect(await redis.set('lock', 'a', { nx: true, px: 1000 })).toBe('OK');
    expect(await redis.set('lock', 'b', { nx: true, px: 1000 })).toBeNull();
    expect(await redis.set('lock', 'c', { xx: true, get: true })).toBe('a');
    expect(await redis.set('other', 'd', { xx: true })).toBeNull();
    expect(await redis.getdel('lock')).toBe('c');
    expect(await redis.exists('lock')).toBe(0);
  });

  it('are counted and deleted', async () => {
    expect(await redis.incr('n')).toBe(1);
    expect(await redis.incrby('n', 41)).toBe(42);
    await redis.set('text', 'x');
    await expect(redis.incr('text')).rejects.toThrow('ERR value is not an integer');
    expect(await redis.del('n', 'text', 'missing')).toBe(2);
  });
});

describe('expiry', () => {
  it('follows the clock to the millisecond', async () => {
    await redis.set('short', 'x', { px: 1500 });
    await redis.set('long', 'x', { ex: 10 });
    await redis.set('fixed', 'x', { pxat: nowMs + 2000 });
    await redis.set('ever', 'x');
    expect(await redis.pttl('short')).toBe(1500);
    expect(await redis.ttl('long')).toBe(10);
    expect(await redis.ttl('ever')).toBe(-1);
    nowMs += 1499;
    expect(await redis.get('short')).toBe('x');
    nowMs += 1;
    expect(await redis.get('short')).toBeNull();
    expect(await redis.ttl('short')).toBe(-2);
    expect(simulator.keys()).toEqual(['long', 'fixed', 'ever']);
  });

  it('is changed by expire, kept by keepTtl and increments, lost by set', async () => {
    await redis.set('key', '1');
    expect(await redis.expire('key', 5)).toBe(1);
    expect(await redis.pexpire('missing', 5)).toBe(0);
    await redis.incr('key');
    await redis.set('key', '3', { keepTtl: true });
    expect(await redis.pttl('key')).toBe(5000);
    await redis.set('key', '4');
    expect(await redis.pttl('key')).toBe(-1);
    await redis.expire('key', -1);
    expect(await redis.get('key')).toBeNull();
  });
});

describe('scripts', () => {
  it('give back a lock that one holds, and no other', async () => {
    await redis.set('lock', 'mine');
    expect(await redis.eval(COMPARE_AND_DELETE, ['lock'], ['yours'])).toBe(0);
    expect(await redis.eval(COMPARE_AND_DELETE, ['lock'], ['mine'])).toBe(1);
    expect(await redis.get('lock')).toBeNull();
  });

  it('prolong a lock that one holds', async () => {
    const script = COMPARE_AND_DELETE.replace(`'del', KEYS[1]`, `"PEXPIRE", KEYS[1], ARGV[2]`);
    await redis.set('lock', 'mine', { px: 10 });
    expect(await redis.eval(script, ['lock'], ['yours', '500'])).toBe(0);
    expect(await redis.eval(script, ['lock'], ['mine', '500'])).toBe(1);
    expect(await redis.pttl('lock')).toBe(500);
  });

  it('are refused if they are anything else', async () => {
    await expect(redis.eval('return 1', [], [])).rejects.toThrow('ERR this simulator runs no Lua');
  });
});

describe('several commands', () => {
  it('run one by one in a pipeline', async () => {
    const results = await redis.pipeline().set('a', '1').get('a').incr('a').exec();
    expect(results).toEqual(['OK', '1', 2]);
    expect(await post('/pipeline', [['SET', 'a'], ['GET', 'a'], ['NOPE']])).toEqual({
      status: 200,
      body: [
        { error: "ERR wrong number of arguments for 'set' command" },
        { result: '2' },
        { error: "ERR unknown command 'NOPE'" },
      ],
    });
  });

  it('run all or none in a transaction', async () => {
    expect(await redis.multi().set('a', '1').get('a').exec()).toEqual(['OK', '1']);
    const { status, body } = await post('/multi-exec', [['SET', 'a', '2'], ['NOPE']]);
    expect(status).toBe(400);
    expect(body).toEqual({ error: expect.stringMatching(/^EXECABORT /) });
    expect(await redis.get('a')).toBe('1');
  });
});

describe('what is refused', () => {
  it('a wrong token', async () => {
    await expect(client({ token: 'guess' }).get('a')).rejects.toThrow('Unauthorized');
  });

  it.each([
    [['SET', 'a', '1', 'EX', '0'], "ERR invalid expire time in 'set' command"],
    [['SET', 'a', '1', 'NX', 'XX'], 'ERR syntax error'],
    [['SET', 'a', '1', 'EX', '1', 'KEEPTTL'], 'ERR syntax error'],
    [['EXPIRE', 'a', 'soon'], 'ERR value is not an integer or out of range'],
    [[], 'ERR failed to parse command'],
  ])('%j', async (command, error) => {
    expect(await post('/', command)).toEqual({ status: 400, body: { error } });
  });

  it('a ping it does not refuse', async () => {
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('a fault', () => {
  it('hang: no answer', async () => {
    simulator.setFault('hang');
    const impatient = client({ signal: () => AbortSignal.timeout(100) });
    await expect(impatient.get('a')).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it.each([
    ['refuse', 'fetch failed'],
    ['error', 'ERR internal error'],
    ['garbage', 'Unable to parse response body'],
  ] as const)('%s', async (fault, message) => {
    simulator.setFault(fault);
    await expect(redis.set('a', '1')).rejects.toThrow(message);
    simulator.setFault('none');
    expect(await redis.get('a')).toBeNull();
  });
});
