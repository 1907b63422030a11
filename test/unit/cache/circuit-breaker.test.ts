import { expect, test } from 'vitest';
import { createCircuitBreaker } from '../../../shared/cache/circuit-breaker.ts';

function breaker() {
  const clock = { nowMs: 1_800_000_000_000 };
  const seen = { tried: 0, failed: 0, broken: false };
  const guarded = createCircuitBreaker({
    now: () => clock.nowMs,
    onFailure: () => {
      seen.failed += 1;
    },
    open: () => new Error('open'),
  });
  const call = (answer?: Promise<string>) =>
    guarded(async () => {
      seen.tried += 1;
      if (answer !== undefined) return answer;
      if (seen.broken) throw new Error('broken');
      return 'answer';
    });
  return { clock, seen, call };
}

test('lets everything through while all is well', async () => {
  const { seen, call } = breaker();
  expect(await Promise.all([call(), call()])).toEqual(['answer', 'answer']);
  expect(seen).toMatchObject({ tried: 2, failed: 0 });
});

test('tries nothing for ten seconds after a failure', async () => {
  const { clock, seen, call } = breaker();
  seen.broken = true;
  await expect(call()).rejects.toThrow('broken');
  clock.nowMs += 9_999;
  await expect(call()).rejects.toThrow('open');
  expect(seen).toMatchObject({ tried: 1, failed: 1 });
});

test('then tries one call, for which no other waits', async () => {
  const { clock, seen, call } = breaker();
  seen.broken = true;
  await expect(call()).rejects.toThrow('broken');
  clock.nowMs += 10_000;
  const slow = Promise.withResolvers<string>();
  const probe = call(slow.promise);
  await expect(call()).rejects.toThrow('open');
  slow.resolve('late');
  await expect(probe).resolves.toBe('late');
  seen.broken = false;
  await expect(call()).resolves.toBe('answer');
});

test('stays open if that one fails', async () => {
  const { clock, seen, call } = breaker();
  seen.broken = true;
  await expect(call()).rejects.toThrow('broken');
  clock.nowMs += 10_000;
  await expect(call()).rejects.toThrow('broken');
  clock.nowMs += 9_999;
  await expect(call()).rejects.toThrow('open');
  expect(seen).toMatchObject({ tried: 2, failed: 2 });
});
