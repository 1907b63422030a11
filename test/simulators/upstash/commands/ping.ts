import { wrongNumberOfArguments } from '../redis-error.ts';
import type { Command } from './command.ts';

export const ping: Command = {
  minArguments: 0,
  maxArguments: Infinity,
  run([message, ...rest]) {
    if (rest.length > 0) throw wrongNumberOfArguments('ping');
    return message ?? 'PONG';
  },
};
