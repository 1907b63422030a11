import { describe, expect, test, vi } from 'vitest';
import { connectionIdentity } from '../../../shared/dataverse/cache-keys.ts';
import {
  ConnectionPaused,
  TokenRefused,
  TokenUnavailable,
} from '../../../shared/dataverse/errors.ts';
import type { Fetch } from '../../../shared/dataverse/http.ts';
import { REFUSED_TOKEN_SECONDS } from '../../../shared/dataverse/refused-token.ts';
import { createTokenSource, type TokenEvent } from '../../../shared/dataverse/token.ts';
import {
  connectionOf,
  type FakeCache,
  fakeCache,
  hangingFetch,
  json,
  networkError,
  scriptedFetch,
  TENANT,
} from './fakes.ts';

const LIFETIME_MS = 3_600_000;

/** Some containers in front of one Entra ID and one cache, with a clock that the test and waits move. */
function fleet(options: { cache?: FakeCache } = {}) {
  const clock = { nowMs: 1_800_000_000_000 };
  const cache = options.cache ?? fakeCache(() => clock.nowMs);
  const entra = { answer: (count: number): Response | Error => issued(`token-${count}`) };
  const { fetch, requests } = scriptedFetch((_request, count) => entra.answer(count));
  const events: TokenEvent[] = [];
  const container = (random = 0.5, connection = connectionOf()) =>
    createTokenSource({
      connection,
      cache,
      fetch,
      now: () => clock.nowMs,
      random: () => random,
      wait: async (ms) => {
        clock.nowMs += ms;
      },
      observe: (event) => events.push(event),
    });
  return { cache, clock, entra, requests, events, container };
}

function issued(value: string): Response {
  return json(200, { token_type: 'Bearer', expires_in: LIFETIME_MS / 1000, access_token: value });
}

function refused(status: number, error: string, codes: number[]): Response {
  return json(status, { error, error_description: 'AADSTS…', error_codes: codes });
}

const lockKey = () => `dynamics-token-lock:${connectionIdentity(connectionOf())}`;

function onlyEntry(cache: FakeCache) {
  const [entry, ...others] = cache.entries;
  expect(others).toEqual([]);
  if (entry === undefined) throw new Error('the cache is empty');
  return { key: entry[0], ...entry[1] };
}

describe('a token', () => {
  test('is asked for with client credentials, at the tenant', async () => {
    const { container, requests } = fleet();
    expect((await container().get()).value).toBe('token-1');
    expect(requests[0]?.url).toBe(`https://login.microsoftonline.com/${TENANT}/oauth2/v2.0/token`);
    expect(requests[0]?.redirect).toBe('manual');
    expect(Object.fromEntries(new URLSearchParams(requests[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: connectionOf().clientId,
      client_secret: connectionOf().clientSecret,
      scope: 'https://contoso.crm4.dynamics.com/.default',
    });
  });

  test('is asked for once by callers at the same time', async () => {
    const { container, requests } = fleet();
    const source = container();
    const tokens = await Promise.all([source.get(), source.get(), source.get()]);
    expect(new Set(tokens.map((token) => token.value))).toEqual(new Set(['token-1']));
    expect(requests).toHaveLength(1);
  });

  test('is shared between containers through the cache', async () => {
    const { container, requests } = fleet();
    await container().get();
    expect((await container().get()).value).toBe('token-1');
    expect(requests).toHaveLength(1);
  });

  test('is asked for at the tenant that the organisation names, if none is configured', async () => {
    const { container, entra, requests } = fleet();
    entra.answer = (count) =>
      count === 1
        ? new Response(null, {
            status: 401,
            headers: {
              'www-authenticate': `Bearer authorization_uri=https://evil.example/${TENANT}/oauth2/authorize`,
            },
          })
        : issued('token');
    const { tenantId: _, ...connection } = connectionOf();
    await container(0.5, connection).get();
    expect(requests[1]?.url).toBe(`https://login.microsoftonline.com/${TENANT}/oauth2/v2.0/token`);
  });
});

describe('the cached token', () => {
  test('is unreadable, and kept for nine tenths of its life', async () => {
    const { container, cache } = fleet();
    await container().get();
    const { key, value, ttlSeconds } = onlyEntry(cache);
    expect(Buffer.from(value, 'base64url').toString('latin1')).not.toContain('token-1');
    expect(value).not.toContain('token-1');
    expect(key).toMatch(/^dynamics-token:[0-9a-f]{64}$/);
    expect(ttlSeconds).toBe((LIFETIME_MS * 0.9) / 1000);
  });

  test.each([
    ['client', { clientId: 'another' }],
    ['organisation', { orgUrl: 'https://fabrikam.crm4.dynamics.com' }],
  ])('of another %s stands under another key', async (_what, changes) => {
    const { container, cache } = fleet();
    await container().get();
    await container(0.5, connectionOf(changes)).get();
    expect(cache.entries.size).toBe(2);
  });

  test('does not open under the key of another connection', async () => {
    const { container, cache, events } = fleet();
    const other = connectionOf({ clientId: 'another' });
    await container().get();
    const { key, value } = onlyEntry(cache);
    await container(0.5, other).get();
    for (const entry of cache.entries.values()) entry.value = value;
    expect((await container(0.5, other).get()).value).toBe('token-3');
    expect(cache.entries.has(key)).toBe(true);
    expect(events).toContain('cache-unreadable');
  });

  test.each(['', 'nonsense', 'v1.', 'v1.AAAA', `v1.${'A'.repeat(100)}`, '{"value":"x"}', 'null'])(
    'that is %j costs one token and is replaced',
    async (nonsense) => {
      const { container, cache, requests } = fleet();
      await container().get();
      const { key } = onlyEntry(cache);
      cache.entries.set(key, { value: nonsense, ttlSeconds: 1, expiresAtMs: Infinity });
      const source = container();
      expect((await source.get()).value).toBe('token-2');
      await source.get();
      expect((await container().get()).value).toBe('token-2');
      expect(requests).toHaveLength(2);
    },
  );

  test('of another client secret costs one token', async () => {
    const { container, events } = fleet();
    await container().get();
    const rotated = container(0.5, connectionOf({ clientSecret: 'the next secret' }));
    expect((await rotated.get()).value).toBe('token-2');
    expect(events).toEqual(['token-requested', 'cache-unreadable', 'token-requested']);
  });

  test('that is past its usable time is not used', async () => {
    const { container, clock } = fleet();
    await container().get();
    clock.nowMs += LIFETIME_MS * 0.9;
    expect((await container().get()).value).toBe('token-2');
  });

  test('is not missed: a cache that is down costs one token per container and no failure', {
    tags: ['fault-20'],
  }, async () => {
    const { container, cache, requests } = fleet();
    cache.down = true;
    const source = container();
    const token = await source.get();
    await source.get();
    await source.drop(token);
    expect((await source.get()).value).toBe('token-2');
    expect(requests).toHaveLength(2);
  });
});

describe('a cold fleet', () => {
  const FLEET = 200;

  /** Entra ID that answers when the test says so. */
  function withHeldAnswer() {
    const answer = Promise.withResolvers<Response>();
    const cold = fleet();
    let asked = 0;
    const fetch: Fetch = async () => {
      asked += 1;
      return (await answer.promise).clone();
    };
    const container = () =>
      createTokenSource({
        connection: connectionOf(),
        cache: cold.cache,
        fetch,
        now: () => cold.clock.nowMs,
        wait: () => new Promise((resolve) => setImmediate(resolve)),
        observe: (event) => cold.events.push(event),
      });
    return { ...cold, answer, container, asked: () => asked };
  }

  test('asks Entra ID once', async () => {
    const { container, answer, asked, cache } = withHeldAnswer();
    const tokens = Promise.all(Array.from({ length: FLEET }, () => container().get()));
    await vi.waitFor(() => expect(asked()).toBe(1));
    answer.resolve(issued('the-only-one'));
    expect(new Set((await tokens).map(({ value }) => value))).toEqual(new Set(['the-only-one']));
    expect(asked()).toBe(1);
    expect([...cache.entries.keys()]).toEqual([expect.stringMatching(/^dynamics-token:/)]);
  });

  test('hears of a refusal from the one that asked', async () => {
    const { container, answer, asked } = withHeldAnswer();
    const tokens = Promise.allSettled(Array.from({ length: FLEET }, () => container().get()));
    await vi.waitFor(() => expect(asked()).toBe(1));
    answer.resolve(refused(401, 'invalid_client', [7000215]));
    const reasons = (await tokens).map((one) => one.status === 'rejected' && one.reason.name);
    expect(new Set(reasons)).toEqual(new Set(['TokenRefused', 'ConnectionPaused']));
    expect(asked()).toBe(1);
  });

  test('is not blocked by the one that died while it asked', async () => {
    const { container, cache, clock, requests, events } = fleet();
    const died = createTokenSource({
      connection: connectionOf(),
      cache,
      fetch: () => new Promise(() => {}),
      now: () => clock.nowMs,
    });
    void died.get();
    await vi.waitFor(() => expect(cache.entries.has(lockKey())).toBe(true));
    const startMs = clock.nowMs;
    expect((await container().get()).value).toBe('token-1');
    expect(clock.nowMs - startMs).toBeLessThan(2200);
    expect((await container().get()).value).toBe('token-1');
    expect(requests).toHaveLength(1);
    expect(events).toEqual(['token-requested']);
  });

  test('does not ask again because one was done between another’s look and its turn', async () => {
    const { container, cache, clock, requests } = fleet();
    let first = true;
    const late = createTokenSource({
      connection: connectionOf(),
      cache: {
        ...cache,
        async setIfAbsent(...command) {
          if (first) await container().get();
          first = false;
          return cache.setIfAbsent(...command);
        },
      },
      fetch: () => expect.fail('it asked'),
      now: () => clock.nowMs,
    });
    expect((await late.get()).value).toBe('token-1');
    expect(requests).toHaveLength(1);
  });

  test('is not blocked by a lock that never ends', async () => {
    const { container, cache, clock, events } = fleet();
    const startMs = clock.nowMs;
    await cache.setIfAbsent(lockKey(), 'nonsense', 1_000_000);
    expect((await container().get()).value).toBe('token-1');
    expect(clock.nowMs - startMs).toBeLessThan(3200);
    expect(events).toEqual(['lock-outlasted', 'token-requested']);
    expect(cache.entries.get(lockKey())?.value).toBe('nonsense');
  });

  test('goes on if the cache fails while somebody waits', async () => {
    const { container, cache } = fleet();
    await cache.setIfAbsent(lockKey(), 'somebody', 1_000_000);
    const source = container();
    const token = source.get();
    cache.down = true;
    expect((await token).value).toBe('token-1');
  });

  test('does not make a container wait that has a token', async () => {
    const { container, cache, clock, requests } = fleet();
    const source = container(0);
    await source.get();
    clock.nowMs += LIFETIME_MS * 0.8;
    await cache.setIfAbsent(lockKey(), 'somebody', 1_000_000);
    const beforeMs = clock.nowMs;
    expect((await source.get()).value).toBe('token-1');
    expect(clock.nowMs).toBe(beforeMs);
    expect(requests).toHaveLength(1);
  });
});

describe('a refresh', () => {
  test('comes for each container at its own moment, and the first one pays for all', async () => {
    const { container, clock, requests } = fleet();
    const early = container(0.1);
    const late = container(0.9);
    await early.get();
    await late.get();

    clock.nowMs += LIFETIME_MS * 0.8;
    expect((await early.get()).value).toBe('token-1');
    clock.nowMs += LIFETIME_MS * 0.02;
    expect((await early.get()).value).toBe('token-2');
    expect((await late.get()).value).toBe('token-1');
    clock.nowMs += LIFETIME_MS * 0.075;
    expect((await late.get()).value).toBe('token-2');
    expect(requests).toHaveLength(2);
  });

  test('is not made at once by containers that find the token late in its life', async () => {
    const { container, clock, requests } = fleet();
    await container().get();
    clock.nowMs += LIFETIME_MS * 0.85;
    for (const random of [0.1, 0.3, 0.9]) {
      const source = container(random);
      await source.get();
      await source.get();
    }
    expect(requests).toHaveLength(1);
  });

  test('that fails leaves the old token in use while it lives, without asking at every call', async () => {
    const { container, clock, entra, requests, events } = fleet();
    const source = container(0);
    await source.get();
    clock.nowMs += LIFETIME_MS * 0.8;
    entra.answer = () => json(503, {});
    expect((await source.get()).value).toBe('token-1');
    expect((await source.get()).value).toBe('token-1');
    expect(requests).toHaveLength(2);
    expect(events).toContain('refresh-failed');

    clock.nowMs += LIFETIME_MS * 0.1;
    await expect(source.get()).rejects.toBeInstanceOf(TokenUnavailable);
  });
});

describe('a refused token', { tags: ['fault-16'] }, () => {
  test('is forgotten here and in the cache', async () => {
    const { container, requests } = fleet();
    const [first, second] = [container(), container()];
    const token = await first.get();
    await second.get();
    await first.drop(token);
    expect((await first.get()).value).toBe('token-2');
    await second.drop(token);
    expect((await second.get()).value).toBe('token-2');
    expect(requests).toHaveLength(2);
  });

  test('does not take a newer one with it', async () => {
    const { container, cache } = fleet();
    const source = container();
    const old = await source.get();
    await source.drop(old);
    await source.get();
    const before = [...cache.entries];
    await source.drop(old);
    expect((await source.get()).value).toBe('token-2');
    expect([...cache.entries]).toEqual(before);
  });

  test('is kept if it was bought after the refusal of another one', async () => {
    const { container, cache, clock, requests } = fleet();
    const [first, second] = [container(), container()];
    const token = await first.get();
    expect(await first.drop(token)).toBe(true);
    const next = await second.get();
    expect(await second.drop(next)).toBe(false);
    expect((await second.get()).value).toBe('token-2');
    expect((await container().get()).value).toBe('token-2');
    expect(requests).toHaveLength(2);
    const note = [...cache.entries].find(([key]) => key.startsWith('dynamics-refused-token:'));
    expect(note?.[1]).toMatchObject({ ttlSeconds: REFUSED_TOKEN_SECONDS });
    expect(note?.[1].value).toMatch(/^[0-9a-f]{32}$/);

    clock.nowMs += REFUSED_TOKEN_SECONDS * 1000;
    expect(await second.drop(next)).toBe(true);
    expect((await second.get()).value).toBe('token-3');
  });

  test('is replaced if it is older than the refusal of another one', async () => {
    const { container, cache } = fleet();
    const [one, two] = [container(), container()];
    const old = await one.get();
    cache.entries.clear();
    const newer = await two.get();
    expect(await one.drop(old)).toBe(true);
    expect((await one.get()).value).toBe(newer.value);
    expect(await one.drop(newer)).toBe(true);
    expect((await one.get()).value).toBe('token-3');
    expect(await two.drop(newer)).toBe(true);
    expect((await two.get()).value).toBe('token-3');
  });

  test('is not taken from the cache again, even if it could not be deleted there', async () => {
    const { container, cache } = fleet();
    const source = container();
    const token = await source.get();
    cache.down = true;
    await source.drop(token);
    cache.down = false;
    expect((await source.get()).value).toBe('token-2');
  });
});

describe('Entra ID', () => {
  test('that refuses the credentials is left alone by all for a minute, but not with another secret', async () => {
    const { container, clock, entra, requests } = fleet();
    entra.answer = () => refused(401, 'invalid_client', [7000222]);
    await expect(container().get()).rejects.toBeInstanceOf(TokenRefused);
    clock.nowMs += 20_000;
    const error = await container()
      .get()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectionPaused);
    expect(error).toMatchObject({ reason: 'credentials-refused', retryAfterSeconds: 40 });
    expect(requests).toHaveLength(1);

    entra.answer = () => issued('token');
    const rotated = container(0.5, connectionOf({ clientSecret: 'the next secret' }));
    expect((await rotated.get()).value).toBe('token');
    clock.nowMs += 40_000;
    expect((await container().get()).value).toBe('token');
  });

  test('that is overloaded is left alone by those without a token, not by those with one', async () => {
    const { container, cache, clock, entra, requests } = fleet();
    const withToken = container();
    await withToken.get();
    cache.entries.clear();
    entra.answer = () => new Response('', { status: 429, headers: { 'retry-after': '30' } });
    await expect(container().get()).rejects.toMatchObject({ reason: 'throttled' });
    clock.nowMs += 29_000;
    await expect(container().get()).rejects.toMatchObject({
      name: 'ConnectionPaused',
      retryAfterSeconds: 1,
    });
    expect((await withToken.get()).value).toBe('token-1');
    expect(requests).toHaveLength(2);
  });

  test('that refuses the credentials is not asked to explain itself', async () => {
    const { container, entra } = fleet();
    entra.answer = () => refused(401, 'invalid_client', [7000215]);
    const error = await container()
      .get()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TokenRefused);
    expect(error).toMatchObject({ errorCodes: [7000215], outcomeUnknown: false });
  });

  test.each([
    [
      'a 503',
      () => new Response('busy', { status: 503, headers: { 'retry-after': '7' } }),
      'server-error',
    ],
    ['a 429', () => refused(429, 'throttled', []), 'throttled'],
    ['a transient 4xx', () => refused(400, 'temporarily_unavailable', [90033]), 'server-error'],
    ['a proxy’s 403', () => new Response('<html>', { status: 403 }), 'malformed-answer'],
    ['a redirect', () => Response.redirect('https://example.org'), 'redirected'],
    ['HTML', () => new Response('<html>', { status: 200 }), 'malformed-answer'],
    [
      'no lifetime',
      () => json(200, { token_type: 'Bearer', access_token: 'x' }),
      'malformed-answer',
    ],
    ['a token that fits no header', () => issued('to\nken'), 'malformed-answer'],
    ['a reset', () => networkError('ECONNRESET'), 'network'],
  ])(
    'that answers %s is unavailable, and asked again by the next call after a moment',
    async (_what, answer, reason) => {
      const { container, clock, entra } = fleet();
      entra.answer = answer;
      const source = container();
      const error = await source.get().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TokenUnavailable);
      expect(error).toMatchObject({ reason, outcomeUnknown: false });
      entra.answer = () => issued('token');
      clock.nowMs += 7000;
      await expect(source.get()).resolves.toMatchObject({ value: 'token' });
    },
  );

  test('that hangs ends in a time-out', async () => {
    const source = createTokenSource({
      connection: connectionOf(),
      cache: fakeCache(),
      fetch: hangingFetch,
      timeoutMs: 5,
    });
    await expect(source.get()).rejects.toMatchObject({ reason: 'timeout' });
  });

  test('may take long to answer: the token’s life is counted from the request', async () => {
    const { container, clock, entra } = fleet();
    entra.answer = () => {
      clock.nowMs += 4000;
      return issued('token');
    };
    const startMs = clock.nowMs;
    expect((await container().get()).expiresAtMs).toBe(startMs + LIFETIME_MS);
  });
});
