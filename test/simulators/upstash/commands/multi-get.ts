import type { Command } from './command.ts';

export const multiGet: Command = {
  minArguments: 1,
  maxArguments: Infinity,
  run: (keys, store) => keys.map((key) => store.get(key) ?? null),
};
