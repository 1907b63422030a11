import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startUpstashSimulator, type UpstashSimulator } from '../../simulators/upstash/index.ts';

const TOKEN = 'simulated-token';
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

describe('expiry', () => {
  it('follows the clock to the millisecond', async () => {
    await redis.set('short', 'x', { px: 1500 });
    await redis.set('long', 'x', { ex: 10 });
    await redis.set('fixed', 'x', { pxat: nowMs + 2000 });
    await redis.set('ever', 'x');
    expect(await redis.pttl('short')).toBe(1500);
    expect(await redis.ttl('long')).toBe(10);
    expect(await redis.ttl('ever')).toBe(-1);
    nowMs += 1500;
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
  it('are refused if they are anything else', async () => {
    await expect(redis.eval('return 1', [], [])).rejects.toThrow('ERR this simulator runs no Lua');
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
