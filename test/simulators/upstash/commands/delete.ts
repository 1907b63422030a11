import type { Command } from './command.ts';

/** DEL: how many keys there were. */
export const del: Command = {
  minArguments: 1,
  maxArguments: Infinity,
  run: (keys, store) => keys.filter((key) => store.delete(key)).length,
};
