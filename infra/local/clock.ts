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
