import { expect, test } from 'vitest';
import { addsPoller, pollerLimits } from '../../../infra/local/queues/poller-scaling.ts';

test.each([
  ['five at the start, as many as there are processes at most', undefined, 16, { min: 5, max: 16 }],
  ['the maximum concurrency of the mapping', 8, 16, { min: 5, max: 8 }],
  ['a maximum below five', 2, 16, { min: 2, max: 2 }],
  ['a small machine', undefined, 4, { min: 4, max: 4 }],
  ['Lambda’s own limit', undefined, 5000, { min: 5, max: 1250 }],
])('%s', (_what, maximumConcurrency, maxEnvironments, limits) => {
  expect(pollerLimits(maximumConcurrency, maxEnvironments)).toEqual(limits);
});

test.each([
  ['all are busy', 5, 5, 200, true],
  ['one is free', 5, 4, 200, false],
  ['there are enough', 6, 6, 200, false],
  ['300 a minute are one in 200 ms', 5, 5, 199, false],
])('one more: %s', (_what, pollers, busy, sinceLastAddedMs, adds) => {
  expect(addsPoller({ pollers, busy, sinceLastAddedMs }, 6)).toBe(adds);
});
