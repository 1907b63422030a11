import { setTimeout as delay } from 'node:timers/promises';
import type { Cache } from '../cache/redis.ts';
import { pauseKeys } from './cache-keys.ts';
import type { DynamicsConnection } from './connection.ts';
import { REFUSED_SECONDS } from './decide-pause.ts';
import { DataverseError, TokenRefused, TokenUnavailable } from './errors.ts';
import type { Fetch } from './http.ts';
import { createPause, type Pause } from './pause.ts';
import { createRefusedTokenNote, isRefusedForGood } from './refused-token.ts';
import { requestToken } from './request-token.ts';
import { type AccessToken, createTokenSealer } from './sealed-token.ts';
import { discoverTenantId } from './tenant.ts';
import { createTokenLock } from './token-lock.ts';

export type { AccessToken } from './sealed-token.ts';

/** Entra ID answers in well under a second; a contact must not wait longer than a hand-over to the clock. */
const TOKEN_TIMEOUT_MS = 5000;

/**
 * The last tenth of a token's life is not used: requests under way, and clocks that differ, need it.
 * In the tenth before that each container asks for its successor at a moment of its own, so that the
 * first one's token is in the cache when the others look.
 */
const USABLE_SHARE = 0.9;
const REFRESH_SHARE = 0.8;

/**
 * After an early refresh that failed, or that another container is at: the old token still works, and
 * calls must not queue up behind Entra ID.
 */
const REFRESH_RETRY_MS = 30_000;

/** Entra ID failed without saying for how long: whoever waits for a token is not sent there one by one. */
const ENTRA_FAILED_SECONDS = 2;

/**
 * Longest wait for a token that another container asks for; longer than its lock lasts, so that only
 * what the cache gets wrong ends here. Then this container asks too.
 */
const LOCK_WAIT_MS = 3000;

/** Between two looks at the cache, and as much again at random. Entra ID takes some 100 ms to answer. */
const POLL_MS = 75;

/** What happened on the way to a token: for metrics and logs. */
export type TokenEvent =
  | 'token-requested'
  | 'refresh-failed'
  /** Another container asks for one, and did not come back with it. */
  | 'lock-outlasted'
  /** What the cache held did not open: another secret, or nonsense. */
  | 'cache-unreadable';

export interface TokenSource {
  /**
   * A token that may be used now: from this process, else from the cache, else from Entra ID. Calls
   * at the same time share one request, containers at the same time as well as long as the cache works.
   *
   * @throws TokenRefused, TokenUnavailable; ConnectionPaused while Entra ID, or Dataverse, is not to be
   *   asked; when the tenant has to be discovered also
   *   DataverseUnavailable and DataverseUnreadable (`outcomeUnknown` is false for all of them)
   */
  get(): Promise<AccessToken>;
  /**
   * Forgets a token that Dataverse refused (401), here and in the cache, unless a newer one has taken
   * its place. Never throws.
   *
   * @returns false: it is kept, because it was bought after another one was refused, so the next one
   *   would be refused as well
   */
  drop(token: AccessToken): Promise<boolean>;
}

interface TokenSourceOptions {
  readonly connection: DynamicsConnection;
  readonly cache: Cache;
  readonly fetch: Fetch;
  /** Of the requests to Dataverse, if somebody else needs it too: it is read together with the token. */
  readonly pause?: Pause;
  /** Of the requests to Entra ID. */
  readonly entraPause?: Pause;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Resolves after so many milliseconds. */
  readonly wait?: (ms: number) => Promise<unknown>;
  readonly timeoutMs?: number;
  readonly observe?: (event: TokenEvent) => void;
}

interface Held {
  readonly token: AccessToken;
  /** As it stands in the cache, if it does: what is compared before deleting. */
  readonly sealed: string;
  readonly refreshAtMs: number;
}

/** What the cache holds for a connection; `undefined` where it does not answer. */
type Cached = { readonly token: AccessToken; readonly sealed: string } | 'none' | undefined;

/** One connection's tokens. Make one per container: what it holds is lost with the process. */
export function createTokenSource({
  connection,
  cache,
  fetch,
  now = Date.now,
  random = Math.random,
  wait = delay,
  timeoutMs = TOKEN_TIMEOUT_MS,
  observe = () => {},
  pause = createPause({ key: pauseKeys(connection).dataverse, cache, now }),
  entraPause = createPause({ key: pauseKeys(connection).entra, cache, now }),
}: TokenSourceOptions): TokenSource {
  const sealer = createTokenSealer(connection);
  const lock = createTokenLock({ connection, cache });
  const refused = createRefusedTokenNote({ connection, cache, now });
  let held: Held | undefined;
  let loading: Promise<AccessToken> | undefined;
  let tenantId = connection.tenantId;
  // The cache may go on showing a refused token: deleting can fail, and a replica can lag.
  let refusedValue: string | undefined;
  let unreadable: string | undefined;

  async function get(): Promise<AccessToken> {
    if (held !== undefined && now() < held.refreshAtMs) return held.token;
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  async function load(): Promise<AccessToken> {
    try {
      const cached = await findCached();
      if (isToken(cached)) return hold(cached.token, cached.sealed);
      return cached === undefined ? await ask() : await askAlone();
    } catch (error) {
      if (!(error instanceof DataverseError) || !isUsable(held)) throw error;
      observe('refresh-failed');
      return postponeRefresh(held);
    }
  }

  /** One container of the fleet asks Entra ID, the others wait for what it finds. */
  async function askAlone(): Promise<AccessToken> {
    const waitUntilMs = now() + LOCK_WAIT_MS;
    for (;;) {
      const taken = await lock.take();
      if (taken === undefined) return ask();
      if (taken !== 'busy') {
        try {
          // Whoever had it before may have been done since this one looked.
          const cached = await findCached();
          return isToken(cached) ? hold(cached.token, cached.sealed) : await ask();
        } finally {
          await taken.release();
        }
      }
      if (isUsable(held)) return postponeRefresh(held);
      if (now() >= waitUntilMs) {
        observe('lock-outlasted');
        return ask();
      }
      await wait(POLL_MS * (1 + random()));
      const cached = await findCached();
      if (isToken(cached)) return hold(cached.token, cached.sealed);
    }
  }

  async function ask(): Promise<AccessToken> {
    try {
      observe('token-requested');
      tenantId ??= await discoverTenantId(connection, { fetch, timeoutMs, now });
      const boughtAfter = refused.current();
      const token = {
        ...(await requestToken(connection, tenantId, { fetch, timeoutMs, now })),
        ...(boughtAfter === undefined ? {} : { boughtAfter }),
      };
      return hold(token, await store(token));
    } catch (error) {
      if (error instanceof TokenRefused) {
        await entraPause.begin('credentials-refused', REFUSED_SECONDS);
      }
      if (error instanceof TokenUnavailable) {
        await entraPause.begin(
          error.reason === 'throttled' ? 'throttled' : 'server-error',
          error.retryAfterSeconds ?? ENTRA_FAILED_SECONDS,
        );
      }
      throw error;
    }
  }

  /** Who finds no token may ask Entra ID next, so it is told here if nobody should. @throws ConnectionPaused */
  async function findCached(): Promise<Cached> {
    const cached = await readCached();
    if (!isToken(cached)) {
      await pause.check();
      await entraPause.check();
    }
    return cached;
  }

  async function readCached(): Promise<Cached> {
    let sealed: string | null | undefined;
    try {
      const [token, noted, ...pauses] = await cache.getMany([
        sealer.cacheKey,
        refused.key,
        ...pause.keys,
        ...entraPause.keys,
      ]);
      refused.learn(noted ?? null);
      pause.learn(pauses.slice(0, pause.keys.length));
      entraPause.learn(pauses.slice(pause.keys.length));
      sealed = token;
    } catch {
      refused.learn(null);
      return undefined;
    }
    if (sealed == null) return 'none';
    const token = sealer.open(sealed);
    if (token === undefined) {
      // Whoever waits for another one sees it again and again.
      if (sealed !== unreadable) observe('cache-unreadable');
      unreadable = sealed;
      return 'none';
    }
    // The one that is held has come to its refresh: only another one is of use.
    const useless = token.value === refusedValue || token.value === held?.token.value;
    return useless || now() >= usableUntilMs(token) ? 'none' : { token, sealed };
  }

  async function store(token: AccessToken): Promise<string> {
    const sealed = sealer.seal(token);
    const ttlSeconds = Math.floor((usableUntilMs(token) - now()) / 1000);
    if (ttlSeconds < 1) return sealed;
    try {
      await cache.set(sealer.cacheKey, sealed, ttlSeconds);
    } catch {
      // One token per container, then.
    }
    return sealed;
  }

  function hold(token: AccessToken, sealed: string): AccessToken {
    const lifetimeMs = token.expiresAtMs - token.issuedAtMs;
    const untilMs = usableUntilMs(token);
    // Found late in its life it is still used for a while, or a cold fleet would ask all at once.
    const fromMs = Math.min(
      Math.max(token.issuedAtMs + lifetimeMs * REFRESH_SHARE, now()),
      untilMs,
    );
    held = { token, sealed, refreshAtMs: fromMs + random() * (untilMs - fromMs) };
    return token;
  }

  function postponeRefresh(usable: Held): AccessToken {
    const refreshAtMs = Math.min(now() + REFRESH_RETRY_MS, usableUntilMs(usable.token));
    held = { ...usable, refreshAtMs };
    return usable.token;
  }

  function isUsable(candidate: Held | undefined): candidate is Held {
    return candidate !== undefined && now() < usableUntilMs(candidate.token);
  }

  async function drop(token: AccessToken): Promise<boolean> {
    // Somebody in this process has been here with the same one.
    if (held !== undefined && held.token.value !== token.value) return true;
    if (isRefusedForGood(token, await refused.write(token))) return false;
    refusedValue = token.value;
    if (held === undefined || held.token.value !== token.value) return true;
    const { sealed } = held;
    held = undefined;
    try {
      await cache.deleteIfEquals(sealer.cacheKey, sealed);
    } catch {
      // `refusedValue` keeps it from being taken again.
    }
    return true;
  }

  return { get, drop };
}

const isToken = (cached: Cached): cached is Exclude<Cached, 'none' | undefined> =>
  cached !== undefined && cached !== 'none';

function usableUntilMs({ issuedAtMs, expiresAtMs }: AccessToken): number {
  return issuedAtMs + (expiresAtMs - issuedAtMs) * USABLE_SHARE;
}
