import { parseInteger, RedisError } from '../redis-error.ts';
import type { Store } from '../store.ts';
import type { Command, Reply } from './command.ts';
import { del } from './delete.ts';
import { expire, expireMilliseconds } from './expire.ts';

type Action = (key: string, args: readonly string[], store: Store) => Reply;

/** Scripts by their text, as `canonical` makes it: what a lock needs to be given back or prolonged by its holder only. */
const ACTIONS = new Map<string, Action>([
  [ifHolder('redis.call("DEL", KEYS[1])'), (key, _args, store) => del.run([key], store)],
  [
    ifHolder('redis.call("EXPIRE", KEYS[1], ARGV[2])'),
    (key, [, duration = ''], store) => expire.run([key, duration], store),
  ],
  [
    ifHolder('redis.call("PEXPIRE", KEYS[1], ARGV[2])'),
    (key, [, duration = ''], store) => expireMilliseconds.run([key, duration], store),
  ],
]);

/** EVAL of the scripts above, in any layout. There is no Lua here: others are refused. */
export const evaluate: Command = {
  minArguments: 2,
  maxArguments: Infinity,
  run([script = '', keyCount, ...rest], store) {
    const count = parseInteger(keyCount);
    if (count < 0) throw new RedisError("ERR Number of keys can't be negative");
    if (count > rest.length) {
      throw new RedisError("ERR Number of keys can't be greater than number of args");
    }
    const action = ACTIONS.get(canonical(script));
    const key = rest[0];
    if (action === undefined || count !== 1 || key === undefined) {
      throw new RedisError('ERR this simulator runs no Lua but compare-and-delete and -expire');
    }
    const args = rest.slice(1);
    return store.get(key) === args[0] ? action(key, args, store) : 0;
  },
};

function ifHolder(action: string): string {
  return canonical(
    `if redis.call("GET", KEYS[1]) == ARGV[1] then return ${action} else return 0 end`,
  );
}

function canonical(script: string): string {
  return script
    .toLowerCase()
    .replaceAll("'", '"')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([(),[\]=]) ?/g, '$1')
    .trim();
}
