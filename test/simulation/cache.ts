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
}

/** Redis, which may be slow, gone, or answer nonsense: it only makes things cheaper. */
export function createSimulatedCache(world: World): SimulatedCache {
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
      unanswered: () => new CacheUnavailable(),
      refusals: ['down'],
      refuse: (): Effect<T> => ({
        answer: () => {
          throw new CacheUnavailable();
        },
        says: 'down',
      }),
    });

  return {
    of: (invocation) => ({
      get: (key) =>
        call(invocation, 'redis.get', () => {
          const isGarbled = world.fault(`${invocation.name} ${key}`, 'redis', ['redis garbage']);
          return isGarbled === undefined ? valueOf(key) : GARBAGE;
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
