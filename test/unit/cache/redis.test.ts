import { afterEach, describe, expect, test, vi } from 'vitest';
import { CacheUnavailable, createCache } from '../../../shared/cache/redis.ts';

interface ClientInit {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** The client uses the platform's fetch and takes no other. */
function stubFetch(answer: (init: ClientInit) => Promise<Response> | Response) {
  const requests: { headers: Headers; command: unknown }[] = [];
  vi.stubGlobal('fetch', async (_url: string, init: ClientInit) => {
    requests.push({ headers: new Headers(init.headers), command: JSON.parse(init.body) });
    return answer(init);
  });
  return requests;
}

const base64 = (value: string) => Buffer.from(value).toString('base64');
const result = (value: unknown) => Response.json({ result: value });
const cache = () =>
  createCache({ url: 'https://cache.example', token: 'rest-token', timeoutMs: 20 });

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the cache', () => {
  test('speaks one command per request, without telemetry', async () => {
    const requests = stubFetch((init) => {
      if (init.body.includes('mget')) return result([base64('123'), null]);
      return result(init.body.includes('eval') ? 1 : 'OK');
    });
    await cache().set('key', 'value', 60);
    await expect(cache().getMany(['key', 'other'])).resolves.toEqual(['123', null]);
    await expect(cache().setIfAbsent('key', 'value', 2)).resolves.toBe(true);
    await expect(cache().deleteIfEquals('key', 'value')).resolves.toBe(true);
    expect(requests.map(({ command }) => command)).toEqual([
      ['set', 'key', 'value', 'ex', 60],
      ['mget', 'key', 'other'],
      ['set', 'key', 'value', 'nx', 'ex', 2],
      ['eval', expect.stringContaining('DEL'), 1, 'key', 'value'],
    ]);
    for (const { headers } of requests) {
      expect(headers.get('authorization')).toBe('Bearer rest-token');
      expect([...headers.keys()].join()).not.toMatch(/telemetry/i);
    }
  });

  test.each(['123', 'true', 'null', '{"a":1}', 'OK'])('gives %j back as it was', async (value) => {
    stubFetch(() => result(base64(value)));
    await expect(cache().get('key')).resolves.toBe(value);
  });

  test('says that a key is not there', async () => {
    stubFetch(() => result(null));
    await expect(cache().get('key')).resolves.toBeNull();
  });

  test('says that a key is there already', async () => {
    stubFetch(() => result(null));
    await expect(cache().setIfAbsent('key', 'value', 2)).resolves.toBe(false);
  });

  test.each([[null], ['OK'], [[]], [['one']], [['one', 'two', 'three']], [['one', 2]]])(
    'takes %j for no answer to two keys',
    async (answer) => {
      stubFetch(() => result(answer));
      await expect(cache().getMany(['a', 'b'])).rejects.toBeInstanceOf(CacheUnavailable);
    },
  );

  test.each([1, 'no', ['OK']])('takes %j for no answer about a key that is set', async (answer) => {
    stubFetch(() => result(answer));
    await expect(cache().setIfAbsent('a', 'b', 1)).rejects.toBeInstanceOf(CacheUnavailable);
  });

  test('that failed is not asked again for a while, by any command', async () => {
    const requests = stubFetch(() => Promise.reject(new TypeError('fetch failed')));
    const clock = { nowMs: 1_800_000_000_000 };
    let failures = 0;
    const broken = createCache({
      url: 'https://cache.example',
      token: 'rest-token',
      now: () => clock.nowMs,
      onFailure: () => {
        failures += 1;
      },
    });
    for (const command of [
      () => broken.getMany(['key']),
      () => broken.get('key'),
      () => broken.set('key', 'value', 60),
      () => broken.setIfAbsent('key', 'value', 60),
      () => broken.deleteIfEquals('key', 'value'),
    ]) {
      await expect(command()).rejects.toBeInstanceOf(CacheUnavailable);
    }
    expect(requests).toHaveLength(1);
    expect(failures).toBe(1);
    clock.nowMs += 10_000;
    await expect(broken.get('key')).rejects.toBeInstanceOf(CacheUnavailable);
    expect(requests).toHaveLength(2);
  });

  test.each([
    ['refuses the connection', () => Promise.reject(new TypeError('fetch failed'))],
    ['answers 500', () => new Response('{"error":"ERR no"}', { status: 500 })],
    ['answers 401', () => new Response('{"error":"WRONGPASS"}', { status: 401 })],
    ['answers HTML', () => new Response('<html>')],
    ['answers HTML with 502', () => new Response('<html>', { status: 502 })],
    ['answers nothing', () => new Response('')],
    ['answers null', () => Response.json(null)],
    ['answers an array', () => Response.json([1])],
    ['answers a number', () => result(7)],
    ['answers an error with 200', () => Response.json({ error: 'ERR no' })],
  ])(
    'that %s is unavailable after one try, and keeps the value to itself',
    async (_what, answer) => {
      const requests = stubFetch(answer);
      for (const command of [cache().get('a-key'), cache().set('a-key', 'a-secret-value', 60)]) {
        const error = await command.catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(CacheUnavailable);
        expect(error).not.toHaveProperty('cause');
        expect(String(error)).toBe('CacheUnavailable: The cache is unavailable');
      }
      expect(requests).toHaveLength(2);
    },
  );

  test('that hangs is given up', async () => {
    stubFetch(
      (init) =>
        new Promise((_resolve, reject) => {
          init.signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
        }),
    );
    await expect(cache().get('key')).rejects.toBeInstanceOf(CacheUnavailable);
  });
});
