import type { RedisError } from './redis-error.ts';

/** Redis' word for "done". Unlike a stored string it is never encoded. */
export const OK = Symbol('OK');

/** What Redis answers if it is no error. Whole numbers have 64 bits there: beyond 2^53 they are rounded. */
export type Reply = string | number | null | typeof OK | Reply[];

/** The name of a command and its arguments. */
export type CommandLine = readonly [string, ...string[]];

/** Who carries out commands behind the REST protocol. */
export interface Backend {
  /** Throws a `RedisError`. */
  run(line: CommandLine): Promise<Reply>;
  /**
   * Runs commands with nobody else's in between, also after one that fails. Throws a `RedisError`
   * if one of them cannot be run at all; then none is.
   */
  transaction(lines: readonly CommandLine[]): Promise<(Reply | RedisError)[]>;
}
