import { expiryTime } from '../expiry-time.ts';
import { invalidExpireTime, parseInteger, syntaxError } from '../redis-error.ts';
import type { Store } from '../store.ts';
import { type Command, OK } from './command.ts';

type ExpiryOption = 'EX' | 'PX' | 'EXAT' | 'PXAT';

interface SetOptions {
  condition?: 'NX' | 'XX';
  get?: true;
  expiry?: { readonly option: ExpiryOption; readonly time: string } | 'keep';
}

/** SET with EX, PX, EXAT, PXAT, KEEPTTL, NX, XX and GET. */
export const set: Command = {
  minArguments: 2,
  maxArguments: Infinity,
  run([key = '', value = '', ...rest], store) {
    const options = parseOptions(rest);
    const expiresAtMs = expiryOf(options, key, store);
    const former = store.get(key);
    const exists = former !== undefined;
    const refused =
      (options.condition === 'NX' && exists) || (options.condition === 'XX' && !exists);
    if (!refused) store.set(key, value, expiresAtMs);
    if (options.get) return former ?? null;
    return refused ? null : OK;
  },
};

function expiryOf({ expiry }: SetOptions, key: string, store: Store): number {
  if (expiry === undefined) return Infinity;
  if (expiry === 'keep') return store.expiresAtMs(key) ?? Infinity;
  const { option, time } = expiry;
  const value = parseInteger(time);
  const expiresAtMs = expiryTime(
    value,
    option === 'EX' || option === 'EXAT' ? 1000 : 1,
    option === 'EX' || option === 'PX' ? store.nowMs : 0,
  );
  if (value <= 0n || expiresAtMs === undefined) throw invalidExpireTime('set');
  return expiresAtMs;
}

/** The same option twice is no error in Redis: the last one counts. Two that exclude each other are. */
function parseOptions(args: readonly string[]): SetOptions {
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
        if (options.expiry !== undefined && options.expiry !== 'keep') throw syntaxError();
        options.expiry = 'keep';
        break;
      case 'EX':
      case 'PX':
      case 'EXAT':
      case 'PXAT': {
        const time = rest.shift();
        const other =
          options.expiry === 'keep' ||
          (options.expiry !== undefined && options.expiry.option !== option);
        if (time === undefined || other) throw syntaxError();
        options.expiry = { option, time };
        break;
      }
      default:
        throw syntaxError();
    }
  }
  return options;
}
