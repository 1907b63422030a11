import { type Command, OK } from './command.ts';

export const flushAll: Command = {
  minArguments: 0,
  maxArguments: 1,
  run(_args, store) {
    store.clear();
    return OK;
  },
};
