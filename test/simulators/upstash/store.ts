/** Strings by key, each until a time or for ever. What has expired is not there. */
export class Store {
  /** Texts of the scripts that were run, by their SHA-1 in lower-case hex. Clearing leaves them. */
  readonly scripts = new Map<string, string>();
  readonly #entries = new Map<string, { value: string; expiresAtMs: number }>();
  readonly #now: () => number;

  /** `now` in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get nowMs(): number {
    return this.#now();
  }

  get(key: string): string | undefined {
    return this.#live(key)?.value;
  }

  /** `expiresAtMs`: milliseconds since the epoch, `Infinity` for never. */
  set(key: string, value: string, expiresAtMs: number): void {
    this.#entries.set(key, { value, expiresAtMs });
  }

  delete(key: string): boolean {
    return this.#live(key) !== undefined && this.#entries.delete(key);
  }

  /** Milliseconds since the epoch, `Infinity` for never, undefined if there is no such key. */
  expiresAtMs(key: string): number | undefined {
    return this.#live(key)?.expiresAtMs;
  }

  keys(): string[] {
    return [...this.#entries.keys()].filter((key) => this.#live(key) !== undefined);
  }

  clear(): void {
    this.#entries.clear();
  }

  #live(key: string) {
    const entry = this.#entries.get(key);
    // A key is still there in its last millisecond (`keyIsExpired` in Redis' db.c).
    if (entry === undefined || this.#now() <= entry.expiresAtMs) return entry;
    this.#entries.delete(key);
    return undefined;
  }
}
