import type { Command } from './command.ts';

export const get: Command = {
  minArguments: 1,
  maxArguments: 1,
  run: ([key = ''], store) => store.get(key) ?? null,
};
