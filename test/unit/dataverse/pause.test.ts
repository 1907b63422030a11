import { describe, expect, test } from 'vitest';
import { createPause, type PauseEvent } from '../../../shared/dataverse/pause.ts';
import { fakeCache } from './fakes.ts';

const KEY = 'dynamics-pause:test';

/** Some containers around one cache. Each has its own clock, ahead of Redis' by so many milliseconds. */
function fleet() {
  const clock = { nowMs: 1_800_000_000_000 };
  const cache = fakeCache(() => clock.nowMs);
  const container = ({ aheadMs = 0 } = {}) => {
    const events: PauseEvent[] = [];
    const pause = createPause({
      key: KEY,
      cache,
      now: () => clock.nowMs + aheadMs,
      observe: (event) => events.push(event),
    });
    return { pause, events };
  };
  return { cache, clock, container };
}

const pausedFor = (retryAfterSeconds: number, reason = 'throttled') => ({
  name: 'ConnectionPaused',
  reason,
  retryAfterSeconds,
  outcomeUnknown: false,
});

describe('a pause', () => {
  test('stops whoever shares the cache, and is over by itself', async () => {
    const { clock, container } = fleet();
    const [one, two] = [container(), container()];
    await one.pause.begin('throttled', 20);
    await expect(one.pause.check()).rejects.toMatchObject(pausedFor(20));
    await expect(two.pause.check()).rejects.toMatchObject(pausedFor(20));
    clock.nowMs += 19_001;
    await expect(one.pause.check()).rejects.toMatchObject(pausedFor(1));
    await expect(two.pause.check()).rejects.toMatchObject(pausedFor(1));
    clock.nowMs += 999;
    await expect(one.pause.check()).resolves.toBeUndefined();
    await expect(container().pause.check()).resolves.toBeUndefined();
    expect(one.events).toEqual([
      { kind: 'begun', reason: 'throttled', seconds: 20 },
      { kind: 'over' },
    ]);
  });

  test('is noticed and its end is noticed within a second, for one command a second', async () => {
    const { cache, clock, container } = fleet();
    const { pause } = container();
    await Promise.all([pause.check(), pause.check(), pause.check()]);
    expect(cache.commands).toBe(1);
    await container().pause.begin('credentials-refused', 60);
    clock.nowMs += 999;
    await pause.check();
    clock.nowMs += 1;
    await expect(pause.check()).rejects.toMatchObject(pausedFor(59, 'credentials-refused'));
    clock.nowMs += 59_500;
    await expect(pause.check()).resolves.toBeUndefined();
  });

  test('can be prolonged, and is not shortened', async () => {
    const { container } = fleet();
    const [one, two] = [container(), container()];
    await one.pause.begin('throttled', 20);
    await two.pause.begin('throttled', 60);
    await expect(two.pause.check()).rejects.toMatchObject(pausedFor(60));
    await two.pause.begin('throttled', 5);
    await expect(container().pause.check()).rejects.toMatchObject(pausedFor(60));
  });

  test('is told once by requests that are refused together', async () => {
    const { cache, container } = fleet();
    const { pause, events } = container();
    await Promise.all([1, 2, 3, 4].map(() => pause.begin('throttled', 20)));
    expect(cache.commands).toBe(1);
    expect(events).toHaveLength(1);
  });

  test('holds in the process that began it if the cache is down', async () => {
    const { cache, clock, container } = fleet();
    cache.down = true;
    const { pause } = container();
    await pause.begin('throttled', 20);
    await expect(pause.check()).rejects.toMatchObject(pausedFor(20));
    await expect(container().pause.check()).resolves.toBeUndefined();
    clock.nowMs += 20_000;
    await expect(pause.check()).resolves.toBeUndefined();
  });

  test('that is known goes on if the cache fails, until its time', async () => {
    const { cache, clock, container } = fleet();
    const { pause } = container();
    await container().pause.begin('throttled', 20);
    await expect(pause.check()).rejects.toMatchObject(pausedFor(20));
    cache.down = true;
    clock.nowMs += 10_000;
    await expect(pause.check()).rejects.toMatchObject(pausedFor(10));
    clock.nowMs += 10_000;
    await expect(pause.check()).resolves.toBeUndefined();
  });

  test.each([600_000, -600_000])(
    'lasts as long for a container whose clock is off by %i ms',
    async (aheadMs) => {
      const { clock, container } = fleet();
      const { pause } = container({ aheadMs });
      await container().pause.begin('throttled', 20);
      await expect(pause.check()).rejects.toMatchObject({ name: 'ConnectionPaused' });
      clock.nowMs += 19_000;
      await expect(pause.check()).rejects.toMatchObject({ name: 'ConnectionPaused' });
      clock.nowMs += 1000;
      await expect(pause.check()).resolves.toBeUndefined();
    },
  );

  test.each([
    [0, 1],
    [0.2, 1],
    [1e9, 3600],
  ])('of %d seconds lasts %d', async (seconds, lasts) => {
    const { container } = fleet();
    await container().pause.begin('server-error', seconds);
    await expect(container().pause.check()).rejects.toMatchObject(pausedFor(lasts, 'server-error'));
  });

  test.each(['', 'nonsense', 'throttled', 'throttled soon', 'forever 1900000000000', '{}'])(
    'is not what %j says in the cache',
    async (value) => {
      const { cache, container } = fleet();
      await cache.set(KEY, value, 60);
      await expect(container().pause.check()).resolves.toBeUndefined();
    },
  );
});
