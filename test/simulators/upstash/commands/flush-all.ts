import { syntaxError } from '../redis-error.ts';
import { type Command, OK } from './command.ts';

/** FLUSHALL, with or without ASYNC or SYNC: here both are at once. */
export const flushAll: Command = {
  minArguments: 0,
  maxArguments: Infinity,
  run(args, store) {
    const [mode, ...rest] = args;
    const known = mode === undefined || ['ASYNC', 'SYNC'].includes(mode.toUpperCase());
    if (!known || rest.length > 0) throw syntaxError();
    store.clear();
    return OK;
  },
};
