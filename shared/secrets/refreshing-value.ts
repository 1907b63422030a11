/** A value that is read from elsewhere and kept for a while. */
export interface RefreshingValue<T> {
  /** The value, at most `maxAgeMs` old as long as it can be read. Throws only if it was never read. */
  get(): Promise<T>;
  /**
   * A value read just now, unless `refresh` read less than `minIntervalMs` ago: then what is known.
   * `certain` is false if the last read failed, so that the value may be older than it seems.
   */
  refresh(): Promise<{ readonly value: T; readonly certain: boolean }>;
}

interface RefreshingValueOptions<T> {
  readonly load: () => Promise<T>;
  readonly now: () => number;
  readonly maxAgeMs: number;
  /** Least time between two refreshes, and after a failed read, once there is a value to go on with. */
  readonly minIntervalMs: number;
  /** Called when a read fails and the old value is used on. */
  readonly onStale: (error: unknown) => void;
}

/** Calls at the same time share one read. A failed first read is forgotten: the next call tries again. */
export function createRefreshingValue<T>({
  load,
  now,
  maxAgeMs,
  minIntervalMs,
  onStale,
}: RefreshingValueOptions<T>): RefreshingValue<T> {
  let kept: { readonly value: T; readonly readAtMs: number } | undefined;
  let failedAtMs = Number.NEGATIVE_INFINITY;
  let refreshedAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<T> | undefined;

  async function read(): Promise<T> {
    const readAtMs = now();
    try {
      kept = { value: await load(), readAtMs };
    } catch (error) {
      if (kept === undefined) throw error;
      failedAtMs = readAtMs;
      onStale(error);
    }
    return kept.value;
  }

  function readOnce(): Promise<T> {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  return {
    async get() {
      if (kept === undefined) return readOnce();
      const isFresh = now() - kept.readAtMs < maxAgeMs;
      const hasJustFailed = now() - failedAtMs < minIntervalMs;
      return isFresh || hasJustFailed ? kept.value : readOnce();
    },
    async refresh() {
      const limited = kept !== undefined && now() - refreshedAtMs < minIntervalMs;
      // Joining a read under way is free; while one's answer is awaited nobody gets the older value.
      if (kept === undefined || reading !== undefined || !limited) {
        if (reading === undefined) refreshedAtMs = now();
        await readOnce();
      }
      if (kept === undefined) throw new TypeError('a value was read and is not there');
      return { value: kept.value, certain: kept.readAtMs > failedAtMs };
    },
  };
}
