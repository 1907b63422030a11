import { expect, test } from 'vitest';
import { catchUp } from '../../../infra/ops/resume/catch-up.ts';

/** Queues that hold so many messages at each look, the last of them from then on. */
function watch(lefts: readonly number[], interruptAfter = Infinity) {
  const shown: number[] = [];
  const interruption = new AbortController();
  let looks = 0;
  let nowMs = 0;
  const left = catchUp({
    readDepths: async () => {
      const waiting = lefts[Math.min(looks, lefts.length - 1)] ?? 0;
      looks += 1;
      if (looks >= interruptAfter) interruption.abort();
      return [{ queue: 'contact-events', waiting, delayed: 0, inFlight: 0, deadLetters: 7 }];
    },
    onLeft: (messages) => shown.push(messages),
    wait: async (ms) => {
      nowMs += ms;
    },
    now: () => nowMs,
    interruption: interruption.signal,
  });
  return left.then((count) => ({ left: count, shown, looks, nowMs }));
}

test('it is over when nothing waits, and says how it goes', async () => {
  expect(await watch([200, 200, 80, 0])).toMatchObject({ left: 0, shown: [200, 80, 0] });
});

test('nobody waits for it longer than ten minutes', async () => {
  expect(await watch([5])).toMatchObject({ left: 5, shown: [5], nowMs: 600_000 });
});

test('it can be interrupted', async () => {
  expect(await watch([9, 8, 7], 2)).toMatchObject({ left: 8, looks: 2 });
});
