import { createHash } from 'node:crypto';

/** Source of randomness with the contract of `Math.random`: a number in [0, 1). */
export type Random = () => number;

/** Random bytes drawn from `random`, so that a seeded source gives the same bytes every time. */
export function randomBytes(random: Random, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));
}

/** A lower-case GUID (version 4 layout) drawn from `random`. */
export function randomGuid(random: Random): string {
  return formatGuid(randomBytes(random, 16));
}

/** The same lower-case GUID for the same text, always. */
export function guidFrom(text: string): string {
  return formatGuid(createHash('sha256').update(text).digest());
}

/** A small seeded generator (mulberry32): the same seed gives the same sequence. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function formatGuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  const variant = '89ab'[(bytes[8] ?? 0) & 3];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
