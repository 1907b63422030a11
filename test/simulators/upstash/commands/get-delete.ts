import type { Command } from './command.ts';

export const getDelete: Command = {
  minArguments: 1,
  maxArguments: 1,
  run([key = ''], store) {
    const value = store.get(key) ?? null;
    store.delete(key);
    return value;
  },
};
