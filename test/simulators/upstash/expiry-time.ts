import { MAX_INTEGER, MIN_INTEGER } from './redis-error.ts';

/**
 * When something expires, in milliseconds since the epoch: `value` units after `startMs`. Undefined if
 * Redis' 64 bits cannot hold it.
 */
export function expiryTime(value: bigint, unitMs: 1 | 1000, startMs: number): number | undefined {
  const durationMs = value * BigInt(unitMs);
  const timeMs = durationMs + BigInt(startMs);
  if (durationMs < MIN_INTEGER || durationMs > MAX_INTEGER || timeMs > MAX_INTEGER) {
    return undefined;
  }
  return Number(timeMs);
}
