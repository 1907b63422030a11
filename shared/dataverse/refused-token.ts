import { createHash } from 'node:crypto';
import type { Cache } from '../cache/redis.ts';
import { connectionIdentity } from './cache-keys.ts';
import type { DynamicsConnection } from './connection.ts';
import type { AccessToken } from './sealed-token.ts';

/**
 * So long no second token is bought because Dataverse refuses one. Five of the pause's longest waits, so
 * that most tries of a connection whose user is disabled cost none; a twelfth of a token's life, because a
 * second revocation waits as long for its replacement.
 */
export const REFUSED_TOKEN_SECONDS = 300;

const FINGERPRINT_BYTES = 16;

/**
 * Which token Dataverse has refused, so that all containers together replace one at a time. Told through
 * the cache; without it each container keeps a note of its own.
 */
interface RefusedTokenNote {
  /** Where it stands in the cache, for those who read it together with something else. */
  readonly key: string;
  /** Takes in what stood under the key a moment ago. */
  learn(stored: string | null): void;
  /** Fingerprint of the token that is noted, as last learned. */
  current(): string | undefined;
  /** Notes this one, if none is noted. Never throws. @returns the fingerprint of the one that is noted now */
  write(token: AccessToken): Promise<string>;
}

export function createRefusedTokenNote({
  connection,
  cache,
  now,
}: {
  readonly connection: Pick<DynamicsConnection, 'orgUrl' | 'clientId'>;
  readonly cache: Pick<Cache, 'get' | 'setIfAbsent'>;
  readonly now: () => number;
}): RefusedTokenNote {
  const key = `dynamics-refused-token:${connectionIdentity(connection)}`;
  let shared: string | undefined;
  /** Counts where the cache shows none. */
  let own: { readonly fingerprint: string; readonly untilMs: number } | undefined;

  const ownInForce = () => (own !== undefined && now() < own.untilMs ? own.fingerprint : undefined);

  async function writeShared(fingerprint: string): Promise<string | undefined> {
    try {
      if (await cache.setIfAbsent(key, fingerprint, REFUSED_TOKEN_SECONDS)) return fingerprint;
      // Over between the two commands: nobody has noted another one since.
      return (await cache.get(key)) ?? fingerprint;
    } catch {
      return undefined;
    }
  }

  return {
    key,
    learn(stored) {
      shared = stored ?? undefined;
    },
    current: () => shared ?? ownInForce(),
    async write(token) {
      const fingerprint = fingerprintOf(token);
      const noted = (await writeShared(fingerprint)) ?? ownInForce() ?? fingerprint;
      if (noted !== ownInForce()) {
        own = { fingerprint: noted, untilMs: now() + REFUSED_TOKEN_SECONDS * 1000 };
      }
      return noted;
    },
  };
}

/**
 * Is another token of no use? The noted one was refused, this one was bought after that, and is refused
 * too: it is not the token. Any other one may have been revoked together with the noted one.
 *
 * @param noted fingerprint, as `write` returns it
 */
export const isRefusedForGood = (token: AccessToken, noted: string): boolean =>
  token.boughtAfter === noted;

/** Tells tokens apart without giving them away: they are far too long and random to be guessed. */
function fingerprintOf({ value }: AccessToken): string {
  return createHash('sha256').update(value).digest().subarray(0, FINGERPRINT_BYTES).toString('hex');
}
