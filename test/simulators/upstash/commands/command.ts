import type { Store } from '../store.ts';

/** Redis' word for "done". Unlike a stored string it is never encoded. */
export const OK = Symbol('OK');

export type Reply = string | number | null | typeof OK | Reply[];

/** One command of Redis. */
export interface Command {
  /** Number of arguments after the name. */
  readonly minArguments: number;
  readonly maxArguments: number;
  /** Throws a `RedisError` for arguments that Redis refuses. */
  run(args: readonly string[], store: Store): Reply;
}
