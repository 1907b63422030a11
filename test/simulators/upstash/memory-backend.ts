import type { Backend, CommandLine, Reply } from './backend.ts';
import { findCommand } from './commands/index.ts';
import { RedisError } from './redis-error.ts';
import type { Store } from './store.ts';

/** Carries out the commands that this project uses as Redis 7 does; others are unknown to it. */
export function createMemoryBackend(store: Store): Backend {
  function run([name, ...args]: CommandLine): Reply {
    return findCommand(name, args).run(args, store);
  }

  return {
    run: async (line) => run(line),
    async transaction(lines) {
      try {
        for (const [name, ...args] of lines) findCommand(name, args);
      } catch (error) {
        if (!(error instanceof RedisError)) throw error;
        throw new RedisError('EXECABORT Transaction discarded because of previous errors.');
      }
      return lines.map((line) => {
        try {
          return run(line);
        } catch (error) {
          if (error instanceof RedisError) return error;
          throw error;
        }
      });
    },
  };
}
