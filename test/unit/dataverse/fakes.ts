import { type Cache, CacheUnavailable } from '../../../shared/cache/redis.ts';
import type { DynamicsConnection } from '../../../shared/dataverse/connection.ts';
import type { Fetch } from '../../../shared/dataverse/http.ts';

export const TENANT = '6d1e9d4e-0a5b-4a5e-9c43-5c1f3f0b7a10';

export function connectionOf(changes: Partial<DynamicsConnection> = {}): DynamicsConnection {
  return {
    orgUrl: 'https://contoso.crm4.dynamics.com',
    authorityUrl: 'https://login.microsoftonline.com',
    tenantId: TENANT,
    clientId: 'b7f6f3c6-55a5-4d8e-8b39-8f1f1d0d9c01',
    clientSecret: 'a secret of the application',
    ...changes,
  };
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly redirect: Request['redirect'];
  readonly body: string;
}

type Answer = Response | Error;

/** A fetch that answers what the test says, and remembers what it was asked. */
export function scriptedFetch(answer: (request: SeenRequest, count: number) => Answer) {
  const requests: SeenRequest[] = [];
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    const seen = {
      method: request.method,
      url: request.url,
      headers: request.headers,
      redirect: request.redirect,
      body: await request.text(),
    };
    requests.push(seen);
    const result = answer(seen, requests.length);
    if (result instanceof Error) throw result;
    return result;
  };
  return { fetch, requests };
}

/** A fetch that never answers and is only ended by its signal. */
export const hangingFetch: Fetch = (_input, init) =>
  new Promise((_resolve, reject) => {
    init?.signal?.addEventListener('abort', () =>
      reject(new DOMException('Aborted', 'AbortError')),
    );
  });

/** What the platform throws when a connection fails before (`ECONNREFUSED`) or after it was made. */
export function networkError(code: string): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
}

export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** Dataverse's error form, with a message as it may really stand there. */
export function dataverseError(
  status: number,
  code: string,
  headers: Record<string, string> = {},
): Response {
  return json(status, { error: { code, message: 'contact Ada Lovelace is wrong' } }, headers);
}

export interface FakeCache extends Cache {
  readonly entries: Map<string, { value: string; ttlSeconds: number; expiresAtMs: number }>;
  /** Every command fails. */
  down: boolean;
  /** Commands so far, failed ones included. */
  commands: number;
}

/** A cache in memory whose keys expire by the given clock. */
export function fakeCache(now: () => number = Date.now): FakeCache {
  const entries: FakeCache['entries'] = new Map();
  const carryOut = <T>(command: () => T): T => {
    cache.commands += 1;
    if (cache.down) throw new CacheUnavailable();
    for (const [key, { expiresAtMs }] of entries) if (now() >= expiresAtMs) entries.delete(key);
    return command();
  };
  const store = (key: string, value: string, ttlSeconds: number) => {
    entries.set(key, { value, ttlSeconds, expiresAtMs: now() + ttlSeconds * 1000 });
  };
  const valueOf = (key: string) => entries.get(key)?.value ?? null;
  const cache: FakeCache = {
    entries,
    down: false,
    commands: 0,
    get: async (key) => carryOut(() => valueOf(key)),
    getMany: async (keys) => carryOut(() => keys.map((key) => valueOf(key))),
    set: async (key, value, ttlSeconds) => carryOut(() => store(key, value, ttlSeconds)),
    setIfAbsent: async (key, value, ttlSeconds) =>
      carryOut(() => {
        if (entries.has(key)) return false;
        store(key, value, ttlSeconds);
        return true;
      }),
    deleteIfEquals: async (key, value) =>
      carryOut(() => valueOf(key) === value && entries.delete(key)),
  };
  return cache;
}
