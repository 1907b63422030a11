import { MAX_INTEGER, MIN_INTEGER, parseInteger, RedisError } from '../redis-error.ts';
import type { Store } from '../store.ts';
import type { Command } from './command.ts';

function add(key: string, amount: bigint, store: Store): number {
  const sum = parseInteger(store.get(key) ?? '0') + amount;
  if (sum < MIN_INTEGER || sum > MAX_INTEGER) {
    throw new RedisError('ERR increment or decrement would overflow');
  }
  store.set(key, `${sum}`, store.expiresAtMs(key) ?? Infinity);
  return Number(sum);
}

export const increment: Command = {
  minArguments: 1,
  maxArguments: 1,
  run: ([key = ''], store) => add(key, 1n, store),
};

export const incrementBy: Command = {
  minArguments: 2,
  maxArguments: 2,
  run: ([key = '', amount = ''], store) => add(key, parseInteger(amount), store),
};
