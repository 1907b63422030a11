import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { CacheUnavailable, createCache } from '../../shared/cache/redis.ts';
import { connectionIdentity } from '../../shared/dataverse/cache-keys.ts';
import type { DynamicsConnection } from '../../shared/dataverse/connection.ts';
import { createTokenSource } from '../../shared/dataverse/token.ts';
import { type EntraSimulator, startEntraSimulator } from '../simulators/entra/index.ts';
import { startUpstashSimulator, type UpstashSimulator } from '../simulators/upstash/index.ts';

const REST_TOKEN = 'rest-token';
const ORGANIZATION = 'https://contoso.crm4.dynamics.com';
const CREDENTIALS = {
  tenantId: '6d1e9d4e-0a5b-4a5e-9c43-5c1f3f0b7a10',
  clientId: 'b7f6f3c6-55a5-4d8e-8b39-8f1f1d0d9c01',
  clientSecret: 'a secret',
};

const COLD_CONTAINERS = 1000;
/** For commands and requests of many containers in one process. */
const PATIENT_MS = 60_000;

let entra: EntraSimulator;
let redis: UpstashSimulator;

beforeEach(async () => {
  entra = await startEntraSimulator(CREDENTIALS);
  entra.registerResource(ORGANIZATION);
  redis = await startUpstashSimulator({ token: REST_TOKEN });
  return async () => {
    await redis.close();
    await entra.close();
  };
});

function cache(timeoutMs = PATIENT_MS) {
  return createCache({ url: redis.url, token: REST_TOKEN, timeoutMs });
}

function connectionOf(): DynamicsConnection {
  return { orgUrl: ORGANIZATION, authorityUrl: entra.url, ...CREDENTIALS };
}

/** The token source of one container. */
function container(cacheTimeoutMs?: number) {
  return createTokenSource({ connection: connectionOf(), cache: cache(cacheTimeoutMs), fetch });
}

describe('the cache', () => {
  test.each(['123', 'true', 'null', '{"a":1}', 'OK', 'ünï', ''])(
    'keeps %j as it is',
    async (value) => {
      await cache().set('key', value, 60);
      await expect(cache().get('key')).resolves.toBe(value);
    },
  );

  test('knows what it does not have', async () => {
    await expect(cache().get('key')).resolves.toBeNull();
  });

  test('deletes a value only if it is still the same', async () => {
    await cache().set('key', 'new', 60);
    await expect(cache().deleteIfEquals('key', 'old')).resolves.toBe(false);
    await expect(cache().get('key')).resolves.toBe('new');
    await expect(cache().deleteIfEquals('key', 'new')).resolves.toBe(true);
    await expect(cache().get('key')).resolves.toBeNull();
  });

  test('reads several values in one command, in their order', async () => {
    await cache().set('one', '1', 60);
    await cache().set('three', 'null', 60);
    await expect(cache().getMany(['one', 'two', 'three'])).resolves.toEqual(['1', null, 'null']);
  });

  test('sets a value only if there is none', async () => {
    await expect(cache().setIfAbsent('key', 'first', 60)).resolves.toBe(true);
    await expect(cache().setIfAbsent('key', 'second', 60)).resolves.toBe(false);
    await expect(cache().get('key')).resolves.toBe('first');
  });

  test('is unavailable to whoever has the wrong token', async () => {
    const stranger = createCache({ url: redis.url, token: 'another' });
    await expect(stranger.get('key')).rejects.toBeInstanceOf(CacheUnavailable);
  });
});

describe('a fleet of containers', () => {
  test('asks for one token after another, not for one each', async () => {
    const first = await container().get();
    const others = await Promise.all(Array.from({ length: 20 }, () => container().get()));
    expect(new Set(others.map((token) => token.value))).toEqual(new Set([first.value]));
    expect(entra.tokensIssued).toBe(1);
  });

  test('asks for one token if all of it is cold', { tags: ['fault-21'] }, async () => {
    // Time stands still: on a busy machine a thousand requests take longer than a lock or a wait may.
    const nowMs = Date.now();
    const now = () => nowMs;
    const still = await startUpstashSimulator({ token: REST_TOKEN, now });
    try {
      const sources = Array.from({ length: COLD_CONTAINERS }, () =>
        createTokenSource({
          connection: connectionOf(),
          cache: createCache({ url: still.url, token: REST_TOKEN, timeoutMs: PATIENT_MS }),
          fetch,
          now,
          wait: () => setImmediate(),
          timeoutMs: PATIENT_MS,
        }),
      );
      const tokens = await Promise.all(sources.map((source) => source.get()));
      expect(new Set(tokens.map(({ value }) => value)).size).toBe(1);
      expect(entra.tokensIssued).toBe(1);
    } finally {
      await still.close();
    }
  });

  test('is not held up by one that died while it asked', { tags: ['fault-21'] }, async () => {
    const lock = `dynamics-token-lock:${connectionIdentity(connectionOf())}`;
    await cache().setIfAbsent(lock, randomUUID(), 1);
    const tokens = await Promise.all(Array.from({ length: 5 }, () => container().get()));
    for (const { value } of tokens) expect(entra.validate(value, ORGANIZATION)).toBe('ok');
  });

  test('shares the replacement of a token that was refused', { tags: ['fault-16'] }, async () => {
    const [one, two] = [container(), container()];
    const refused = await one.get();
    expect((await two.get()).value).toBe(refused.value);
    await one.drop(refused);
    const replacement = await one.get();
    await two.drop(refused);
    expect((await two.get()).value).toBe(replacement.value);
    expect(entra.tokensIssued).toBe(2);
  });

  test.each(['hang', 'refuse', 'error', 'garbage'] as const)(
    'goes on with one token per container while Redis answers with %s',
    { tags: ['fault-20'] },
    async (fault) => {
      redis.setFault(fault);
      for (const source of [container(50), container(50)]) {
        const token = await source.get();
        expect(entra.validate(token.value, ORGANIZATION)).toBe('ok');
        expect((await source.get()).value).toBe(token.value);
      }
      expect(entra.tokensIssued).toBe(2);
    },
  );
});
