import { Redis } from '@upstash/redis';
import { createCircuitBreaker } from './circuit-breaker.ts';

/**
 * Longest wait for one command. The cache only saves tokens: waiting longer for it than this costs
 * more of the five-second target than asking for a new token.
 */
const CACHE_TIMEOUT_MS = 300;

const DELETE_IF_EQUALS =
  'if redis.call("GET",KEYS[1]) == ARGV[1] then return redis.call("DEL",KEYS[1]) else return 0 end';

/** The cache did not answer, or not sensibly. Carries nothing of the command, which holds values. */
export class CacheUnavailable extends Error {
  override readonly name = 'CacheUnavailable';

  constructor() {
    super('The cache is unavailable');
  }
}

/** A shared cache of short strings that may be gone at any time. Every method throws only `CacheUnavailable`. */
export interface Cache {
  get(key: string): Promise<string | null>;
  /** The values in the order of the keys, in one command; null where there is none. */
  getMany(keys: readonly string[]): Promise<(string | null)[]>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  /** Sets the key only if it does not exist, in one step. Says whether it did. */
  setIfAbsent(key: string, value: string, ttlSeconds: number): Promise<boolean>;
  /** Deletes the key only if it still holds this value, in one step. Says whether it did. */
  deleteIfEquals(key: string, value: string): Promise<boolean>;
}

interface CacheOptions {
  /** Upstash's REST endpoint. */
  readonly url: string;
  readonly token: string;
  readonly timeoutMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Called for every command that was sent and failed. */
  readonly onFailure?: () => void;
}

/**
 * A cache in Upstash Redis, over its REST protocol. Makes no request by itself. Once a command has
 * failed the others fail at once for some seconds: a caller waits for a broken Redis only once.
 */
export function createCache({
  url,
  token,
  timeoutMs = CACHE_TIMEOUT_MS,
  now = Date.now,
  onFailure = () => {},
}: CacheOptions): Cache {
  const redis = new Redis({
    url,
    token,
    // `{ retries: 0 }` is one try; `false` would be two.
    retry: { retries: 0 },
    // A function makes a new signal for every command, and makes an abort an error: with a plain
    // signal the client would resolve with the abort's reason as if it were the stored value.
    signal: () => AbortSignal.timeout(timeoutMs),
    // Otherwise the stored string "123" comes back as a number.
    automaticDeserialization: false,
    enableTelemetry: false,
    // One command, one request: with pipelining a failing command shares its error with the others.
    enableAutoPipelining: false,
  });

  const guarded = createCircuitBreaker({ now, onFailure, open: () => new CacheUnavailable() });
  const command = <T>(send: () => Promise<T>) => guarded(() => cleaned(send));

  return {
    get: (key) => command(async () => storedValue(await redis.get<unknown>(key))),
    getMany: (keys) =>
      command(async () => {
        const values = await redis.mget<unknown[]>(...keys);
        if (!Array.isArray(values) || values.length !== keys.length) throw new CacheUnavailable();
        return values.map((value) => storedValue(value));
      }),
    set: (key, value, ttlSeconds) =>
      command(async () => {
        const answer = await redis.set(key, value, { ex: ttlSeconds });
        if (answer !== 'OK') throw new CacheUnavailable();
      }),
    setIfAbsent: (key, value, ttlSeconds) =>
      command(async () => {
        const answer: unknown = await redis.set(key, value, { nx: true, ex: ttlSeconds });
        if (answer !== 'OK' && answer !== null) throw new CacheUnavailable();
        return answer === 'OK';
      }),
    deleteIfEquals: (key, value) =>
      command(async () => {
        const deleted = await redis.eval<string[]>(DELETE_IF_EQUALS, [key], [value]);
        return deleted === 1;
      }),
  };
}

function storedValue(value: unknown): string | null {
  if (value !== null && typeof value !== 'string') throw new CacheUnavailable();
  return value;
}

/** The client's errors quote the whole command, value included: none of them may get out. */
async function cleaned<T>(command: () => Promise<T>): Promise<T> {
  try {
    return await command();
  } catch {
    throw new CacheUnavailable();
  }
}
