import type { Command } from './command.ts';

/** TTL and PTTL: -2 without a key, -1 without an expiry. TTL rounds to the nearest second, as Redis does. */
function timeToLiveIn(unitMs: number): Command {
  return {
    minArguments: 1,
    maxArguments: 1,
    run([key = ''], store) {
      const expiresAtMs = store.expiresAtMs(key);
      if (expiresAtMs === undefined) return -2;
      return expiresAtMs === Infinity ? -1 : Math.round((expiresAtMs - store.nowMs) / unitMs);
    },
  };
}

export const timeToLive = timeToLiveIn(1000);
export const timeToLiveMilliseconds = timeToLiveIn(1);
