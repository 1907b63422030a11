import type { Command } from './command.ts';

/** A key that is named twice counts twice. */
export const exists: Command = {
  minArguments: 1,
  maxArguments: Infinity,
  run: (keys, store) => keys.filter((key) => store.get(key) !== undefined).length,
};
