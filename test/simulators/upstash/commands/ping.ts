import type { Command } from './command.ts';

export const ping: Command = {
  minArguments: 0,
  maxArguments: 1,
  run: ([message]) => message ?? 'PONG',
};
