import { notAnInteger, parseInteger } from '../redis-error.ts';
import type { Store } from '../store.ts';
import type { Command } from './command.ts';

function add(key: string, amount: number, store: Store): number {
  const sum = parseInteger(store.get(key) ?? '0') + amount;
  // Redis counts in 64 bits; JSON numbers are exact up to here.
  if (!Number.isSafeInteger(sum)) throw notAnInteger();
  store.set(key, `${sum}`, store.expiresAtMs(key) ?? Infinity);
  return sum;
}

export const increment: Command = {
  minArguments: 1,
  maxArguments: 1,
  run: ([key = ''], store) => add(key, 1, store),
};

export const incrementBy: Command = {
  minArguments: 2,
  maxArguments: 2,
  run: ([key = '', amount], store) => add(key, parseInteger(amount), store),
};
