import type { Cache } from '../cache/redis.ts';
import type { DynamicsConnection } from './connection.ts';
import { DataverseError } from './errors.ts';
import type { Fetch } from './http.ts';
import { requestToken } from './request-token.ts';
import { type AccessToken, createTokenSealer } from './sealed-token.ts';
import { discoverTenantId } from './tenant.ts';

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

/** Pause after a failed early refresh: the old token still works, and calls must not queue up behind Entra. */
const REFRESH_RETRY_MS = 30_000;

/** What happened on the way to a token: for metrics and logs. */
export type TokenEvent =
  | 'token-requested'
  | 'refresh-failed'
  | 'cache-unavailable'
  /** What the cache held did not open: another secret, or nonsense. */
  | 'cache-unreadable';

export interface TokenSource {
  /**
   * A token that may be used now: from this process, else from the cache, else from Entra ID. Calls
   * at the same time share one request.
   *
   * @throws TokenRefused, TokenUnavailable; when the tenant has to be discovered also
   *   DataverseUnavailable and DataverseUnreadable (`outcomeUnknown` is false for all of them)
   */
  get(): Promise<AccessToken>;
  /**
   * Forgets a token that Dataverse refused (401), here and in the cache, unless a newer one has taken
   * its place. Never throws.
   */
  drop(token: AccessToken): Promise<void>;
}

interface TokenSourceOptions {
  readonly connection: DynamicsConnection;
  readonly cache: Cache;
  readonly fetch: Fetch;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly timeoutMs?: number;
  readonly observe?: (event: TokenEvent) => void;
}

interface Held {
  readonly token: AccessToken;
  /** As it stands in the cache, if it does: what is compared before deleting. */
  readonly sealed: string;
  readonly refreshAtMs: number;
}

/** One connection's tokens. Make one per container: what it holds is lost with the process. */
export function createTokenSource({
  connection,
  cache,
  fetch,
  now = Date.now,
  random = Math.random,
  timeoutMs = TOKEN_TIMEOUT_MS,
  observe = () => {},
}: TokenSourceOptions): TokenSource {
  const sealer = createTokenSealer(connection);
  let held: Held | undefined;
  let loading: Promise<AccessToken> | undefined;
  let tenantId = connection.tenantId;
  // The cache may go on showing a refused token: deleting can fail, and a replica can lag.
  let refusedValue: string | undefined;

  async function get(): Promise<AccessToken> {
    if (held !== undefined && now() < held.refreshAtMs) return held.token;
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  async function load(): Promise<AccessToken> {
    const cached = await readCached();
    if (cached !== undefined) return hold(cached.token, cached.sealed);
    // A lock across containers belongs here, and so does the pause of a connection whose fresh
    // tokens are refused.
    try {
      observe('token-requested');
      tenantId ??= await discoverTenantId(connection, { fetch, timeoutMs, now });
      const token = await requestToken(connection, tenantId, { fetch, timeoutMs, now });
      return hold(token, await store(token));
    } catch (error) {
      if (!(error instanceof DataverseError) || held === undefined) throw error;
      if (now() >= usableUntilMs(held.token)) throw error;
      observe('refresh-failed');
      held = { ...held, refreshAtMs: now() + REFRESH_RETRY_MS };
      return held.token;
    }
  }

  async function readCached(): Promise<{ token: AccessToken; sealed: string } | undefined> {
    let sealed: string | null;
    try {
      sealed = await cache.get(sealer.cacheKey);
    } catch {
      observe('cache-unavailable');
      return undefined;
    }
    if (sealed === null) return undefined;
    const token = sealer.open(sealed);
    if (token === undefined) {
      observe('cache-unreadable');
      return undefined;
    }
    // The one that is held has come to its refresh: only another one is of use.
    const useless = token.value === refusedValue || token.value === held?.token.value;
    return useless || now() >= usableUntilMs(token) ? undefined : { token, sealed };
  }

  async function store(token: AccessToken): Promise<string> {
    const sealed = sealer.seal(token);
    const ttlSeconds = Math.floor((usableUntilMs(token) - now()) / 1000);
    if (ttlSeconds < 1) return sealed;
    try {
      await cache.set(sealer.cacheKey, sealed, ttlSeconds);
    } catch {
      observe('cache-unavailable');
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

  async function drop(token: AccessToken): Promise<void> {
    refusedValue = token.value;
    if (held === undefined || held.token.value !== token.value) return;
    const { sealed } = held;
    held = undefined;
    try {
      await cache.deleteIfEquals(sealer.cacheKey, sealed);
    } catch {
      observe('cache-unavailable');
    }
  }

  return { get, drop };
}

function usableUntilMs({ issuedAtMs, expiresAtMs }: AccessToken): number {
  return issuedAtMs + (expiresAtMs - issuedAtMs) * USABLE_SHARE;
}
