import { parseInteger } from '../redis-error.ts';
import type { Command } from './command.ts';

/** EXPIRE and PEXPIRE without their conditions: 1 if the key is there; a time that is over removes it. */
function expireIn(unitMs: number): Command {
  return {
    minArguments: 2,
    maxArguments: 2,
    run([key = '', duration], store) {
      const expiresAtMs = store.nowMs + parseInteger(duration) * unitMs;
      const value = store.get(key);
      if (value === undefined) return 0;
      store.set(key, value, expiresAtMs);
      return 1;
    },
  };
}

export const expire = expireIn(1000);
export const expireMilliseconds = expireIn(1);
