/** "Configuring scaling behavior for SQS event source mappings" (Lambda developer guide). */
const STARTING_POLLERS = 5;
const ADDED_A_MINUTE = 300;
const MOST_POLLERS = 1250;

const MINUTE_MS = 60_000;

export interface PollerLimits {
  /** There from the start, and never fewer. */
  readonly min: number;
  readonly max: number;
}

/**
 * How many batches of a queue are in work at a time.
 *
 * @param maximumConcurrency of the mapping, if it has one.
 * @param maxEnvironments of the function: a batch that waits for a process would only grow old.
 */
export function pollerLimits(
  maximumConcurrency: number | undefined,
  maxEnvironments: number,
): PollerLimits {
  const max = Math.min(maximumConcurrency ?? MOST_POLLERS, maxEnvironments);
  return { min: Math.min(STARTING_POLLERS, max), max };
}

export interface PollerState {
  readonly pollers: number;
  /** Those that have a batch at hand. */
  readonly busy: number;
  readonly sinceLastAddedMs: number;
}

/** Messages are still coming while every poller is at work: whether it is time for one more. Pure. */
export function addsPoller({ pollers, busy, sinceLastAddedMs }: PollerState, max: number): boolean {
  return busy >= pollers && pollers < max && sinceLastAddedMs >= MINUTE_MS / ADDED_A_MINUTE;
}
