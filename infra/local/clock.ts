/** What the runner goes by when something is due later, or again and again. */
export interface Clock {
  now(): Date;
  /** Calls back after each interval until it is disposed of. */
  every(intervalMs: number, callback: () => void): Disposable;
  /** Calls back once, unless it is disposed of before. */
  after(delayMs: number, callback: () => void): Disposable;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => new Date(),
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Resolves when the time has passed, or at once if the signal is aborted. */
export async function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  using _timer = clock.after(delayMs, end);
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  await promise;
  signal.removeEventListener('abort', end);
}
