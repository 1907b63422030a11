import type { Clock } from '../clock.ts';

/** Looks at something again and again while somebody listens, and tells of every change. */
export interface LiveFeed {
  /** Told the present state at once, then each other one, until it is disposed of. */
  listen(tell: (state: string) => void): Disposable;
  /** Looks now instead of at the next beat. */
  look(): Promise<void>;
}

/**
 * @param read what is told, as JSON; what it throws is passed over, and tried again at the next beat.
 */
export function liveFeed(
  everyMs: number,
  clock: Pick<Clock, 'every'>,
  read: () => Promise<object>,
): LiveFeed {
  const listeners = new Set<(state: string) => void>();
  let told: string | undefined;
  let looking: Promise<void> | undefined;
  let beat: Disposable | undefined;

  /** One look at a time: a slow system is not asked twice at once. */
  const look = (): Promise<void> => {
    looking ??= lookOnce().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const lookOnce = async (): Promise<void> => {
    let state: string;
    try {
      state = JSON.stringify(await read());
    } catch {
      return;
    }
    if (state === told) return;
    told = state;
    for (const tell of listeners) tell(state);
  };

  return {
    listen(tell) {
      listeners.add(tell);
      if (told !== undefined) tell(told);
      beat ??= clock.every(everyMs, () => void look());
      void look();
      return {
        [Symbol.dispose]() {
          listeners.delete(tell);
          if (listeners.size > 0) return;
          beat?.[Symbol.dispose]();
          beat = undefined;
        },
      };
    },
    look,
  };
}
