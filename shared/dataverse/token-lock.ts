import { randomUUID } from 'node:crypto';
import type { Cache } from '../cache/redis.ts';
import { connectionIdentity } from './cache-keys.ts';
import type { DynamicsConnection } from './connection.ts';

/**
 * Entra ID answers within it even on a bad day; a holder that died keeps the others waiting no longer.
 * It only saves requests: two holders at a time cost one token more.
 */
export const LOCK_SECONDS = 2;

export interface TakenLock {
  /** Only if it is still one's own. Never throws: it ends by itself. */
  release(): Promise<void>;
}

/** Lets one container of a fleet ask for the token that all of them need. */
export interface TokenLock {
  /** `undefined`: the cache does not answer, so nobody can be asked to wait. */
  take(): Promise<TakenLock | 'busy' | undefined>;
}

export function createTokenLock({
  connection,
  cache,
}: {
  readonly connection: Pick<DynamicsConnection, 'orgUrl' | 'clientId'>;
  readonly cache: Pick<Cache, 'setIfAbsent' | 'deleteIfEquals'>;
}): TokenLock {
  const key = `dynamics-token-lock:${connectionIdentity(connection)}`;

  return {
    async take() {
      const holder = randomUUID();
      try {
        if (!(await cache.setIfAbsent(key, holder, LOCK_SECONDS))) return 'busy';
      } catch {
        return undefined;
      }
      return {
        release: async () => {
          await cache.deleteIfEquals(key, holder).catch(() => false);
        },
      };
    },
  };
}
