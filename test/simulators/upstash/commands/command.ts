import type { Reply } from '../backend.ts';
import type { Store } from '../store.ts';

export { OK, type Reply } from '../backend.ts';

/** One command of Redis. */
export interface Command {
  /** Number of arguments after the name that Redis checks before it looks at any of them. */
  readonly minArguments: number;
  readonly maxArguments: number;
  /** Throws a `RedisError` for arguments that Redis refuses. */
  run(args: readonly string[], store: Store): Reply;
}
