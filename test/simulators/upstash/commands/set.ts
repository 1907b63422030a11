import { parseInteger, RedisError, syntaxError } from '../redis-error.ts';
import type { Store } from '../store.ts';
import { type Command, OK } from './command.ts';

interface SetOptions {
  condition?: 'NX' | 'XX';
  get?: true;
  keepExpiry?: true;
  expiresAtMs?: number;
}

/** SET with EX, PX, EXAT, PXAT, KEEPTTL, NX, XX and GET. */
export const set: Command = {
  minArguments: 2,
  maxArguments: Infinity,
  run([key = '', value = '', ...rest], store) {
    const options = parseOptions(rest, store.nowMs);
    const former = store.get(key);
    const exists = former !== undefined;
    const refused =
      (options.condition === 'NX' && exists) || (options.condition === 'XX' && !exists);
    if (!refused) store.set(key, value, expiry(key, options, store));
    if (options.get) return former ?? null;
    return refused ? null : OK;
  },
};

function expiry(key: string, options: SetOptions, store: Store): number {
  if (options.keepExpiry) return store.expiresAtMs(key) ?? Infinity;
  return options.expiresAtMs ?? Infinity;
}

function parseOptions(args: readonly string[], nowMs: number): SetOptions {
  const options: SetOptions = {};
  const rest = [...args];
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const option = name.toUpperCase();
    switch (option) {
      case 'NX':
      case 'XX':
        if (options.condition !== undefined && options.condition !== option) throw syntaxError();
        options.condition = option;
        break;
      case 'GET':
        options.get = true;
        break;
      case 'KEEPTTL':
        if (options.expiresAtMs !== undefined) throw syntaxError();
        options.keepExpiry = true;
        break;
      case 'EX':
      case 'PX':
      case 'EXAT':
      case 'PXAT':
        if (options.expiresAtMs !== undefined || options.keepExpiry) throw syntaxError();
        options.expiresAtMs = parseExpiry(option, rest.shift(), nowMs);
        break;
      default:
        throw syntaxError();
    }
  }
  return options;
}

function parseExpiry(
  option: 'EX' | 'PX' | 'EXAT' | 'PXAT',
  time: string | undefined,
  nowMs: number,
): number {
  if (time === undefined) throw syntaxError();
  const value = parseInteger(time);
  if (value <= 0) throw new RedisError("ERR invalid expire time in 'set' command");
  const timeMs = option === 'EX' || option === 'EXAT' ? value * 1000 : value;
  return option === 'EX' || option === 'PX' ? nowMs + timeMs : timeMs;
}
