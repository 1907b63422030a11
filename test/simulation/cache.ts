import { type Cache, CacheUnavailable } from '../../shared/cache/redis.ts';
import { callOutside, type Effect, type Invocation } from './invocation.ts';
import type { World } from './world.ts';

/** As `shared/cache/redis.ts`. */
const TIMEOUT_MS = 300;
const LATEST_MS = 10_000;

/** Nothing that this project has stored, but what a cache that is shared may hold. */
const GARBAGE = 'v1.123';

export interface SimulatedCache {
  /** What a function gets, as `createCache` makes it. */
  of(invocation: Invocation): Cache;
  /** Commands that no sensible answer came to. */
  readonly failures: number;
}

/** Redis, which may be slow, gone, or answer nonsense: it only makes things cheaper. */
export function createSimulatedCache(world: World): SimulatedCache {
  let failures = 0;
  const failed = () => {
    failures += 1;
    return new CacheUnavailable();
  };
  const entries = new Map<string, { value: string; untilMs: number }>();

  const valueOf = (key: string): string | null => {
    const entry = entries.get(key);
    return entry === undefined || entry.untilMs <= world.now() ? null : entry.value;
  };

  const call = <T>(invocation: Invocation, label: string, effect: () => T): Promise<T> =>
    callOutside(world, invocation, {
      label,
      target: 'redis',
      effect: () => {
        const result = effect();
        return { answer: () => result, says: 'ok' };
      },
      giveUpAfterMs: TIMEOUT_MS,
      latestMs: LATEST_MS,
      unanswered: failed,
      refusals: ['down'],
      refuse: (): Effect<T> => ({
        answer: () => {
          throw failed();
        },
        says: 'down',
      }),
    });

  /** Read by a function. */
  function shown(invocation: Invocation, key: string): string | null {
    const kind = world.fault(`${invocation.name} ${key}`, 'redis', ['redis garbage']);
    if (kind === undefined) return valueOf(key);
    failures += 1;
    return GARBAGE;
  }

  return {
    get failures() {
      return failures;
    },
    of: (invocation) => ({
      get: (key) => call(invocation, 'redis.get', () => shown(invocation, key)),
      getMany: (keys) =>
        call(invocation, 'redis.getMany', () => keys.map((key) => shown(invocation, key))),
      setIfAbsent: (key, value, ttlSeconds) =>
        call(invocation, 'redis.setIfAbsent', () => {
          if (valueOf(key) !== null) return false;
          entries.set(key, { value, untilMs: world.now() + ttlSeconds * 1000 });
          return true;
        }),
      set: (key, value, ttlSeconds) =>
        call(invocation, 'redis.set', () => {
          entries.set(key, { value, untilMs: world.now() + ttlSeconds * 1000 });
        }),
      deleteIfEquals: (key, value) =>
        call(invocation, 'redis.deleteIfEquals', () =>
          valueOf(key) === value ? entries.delete(key) : false,
        ),
    }),
  };
}
