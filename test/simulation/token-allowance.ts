import { REFUSED_TOKEN_SECONDS } from '../../shared/dataverse/refused-token.ts';
import type { SimulatedCache } from './cache.ts';
import type { Dataverse } from './dataverse.ts';
import { LIFETIME_SECONDS } from './entra.ts';

/** A token is renewed when four fifths of its life are over. */
const RENEWED_AFTER_MS = LIFETIME_SECONDS * 1000 * 0.8;
/** From the answer that refuses a token to its note in Redis: a command. */
const NOTED_WITHIN_MS = 1000;

/** Why all containers together may buy tokens, and how many for each reason. */
export interface TokenAllowance {
  /** One that all share, and its successors. */
  readonly lifetimes: number;
  /** One in the life of each note of a refused token: what is bought meanwhile is not replaced. */
  readonly replacements: number;
  /**
   * Two for each request to Entra ID that outlasts the lock: the next holder asks as well, and a token so
   * late may have been asked for before the note, so that it is replaced once more. One for each container
   * that no longer waits for the lock.
   */
  readonly late: number;
  /**
   * Two for each command to Redis that fails: a token that is not found, or not stored, is bought again;
   * and one that was bought without a look at the note is replaced once more.
   */
  readonly withoutRedis: number;
}

/** @param elapsedMs since the first container was started */
export function tokenAllowance(
  elapsedMs: number,
  {
    entra,
    refusedAtMs,
    outlastedLocks,
  }: Pick<Dataverse, 'entra' | 'refusedAtMs' | 'outlastedLocks'>,
  cache: Pick<SimulatedCache, 'failures'>,
): TokenAllowance {
  return {
    lifetimes: 1 + Math.floor(elapsedMs / RENEWED_AFTER_MS),
    replacements: notesOf(refusedAtMs),
    late: 2 * entra.late + outlastedLocks,
    withoutRedis: 2 * cache.failures,
  };
}

/** Notes that these refusals can have led to: there is one at a time. */
function notesOf(refusedAtMs: readonly number[]): number {
  let notes = 0;
  let untilMs = -Infinity;
  for (const atMs of refusedAtMs) {
    if (atMs < untilMs) continue;
    notes += 1;
    untilMs = atMs + REFUSED_TOKEN_SECONDS * 1000 - NOTED_WITHIN_MS;
  }
  return notes;
}
