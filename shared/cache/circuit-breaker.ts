/**
 * So long nothing is sent after a failure. A broken Redis then costs an event one time limit at most,
 * and one that is back is used again before anybody misses it: it only saves tokens and tells of pauses.
 */
const OPEN_MS = 10_000;

interface CircuitBreakerOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for everything that was tried and failed. */
  readonly onFailure: () => void;
  /** What is thrown while nothing is tried. */
  readonly open: () => Error;
}

/**
 * Runs what it is given, until something fails: from then on everything fails at once, and every
 * `OPEN_MS` one call, which nobody else waits for, finds out whether it works again.
 */
export function createCircuitBreaker({
  now,
  onFailure,
  open,
}: CircuitBreakerOptions): <T>(work: () => Promise<T>) => Promise<T> {
  let openUntilMs: number | undefined;

  return async (work) => {
    if (openUntilMs !== undefined) {
      if (now() < openUntilMs) throw open();
      openUntilMs = now() + OPEN_MS;
    }
    try {
      const result = await work();
      openUntilMs = undefined;
      return result;
    } catch (error) {
      openUntilMs = now() + OPEN_MS;
      onFailure();
      throw error;
    }
  };
}
