/** Runs what it is given, at most `permits` at a time, in the order of the calls. */
type Semaphore = <T>(work: () => Promise<T>) => Promise<T>;

export function createSemaphore(permits: number): Semaphore {
  if (!Number.isInteger(permits) || permits < 1) throw new RangeError('permits must be 1 or more');
  const waiting: (() => void)[] = [];
  let free = permits;

  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The permit goes straight to whoever waits longest, so that nobody can slip in between.
      if (next === undefined) free += 1;
      else next();
    }
  };
}
