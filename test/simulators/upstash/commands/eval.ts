import { createHash } from 'node:crypto';
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
    (key, [, duration], store) => expire.run([key, text(duration)], store),
  ],
  [
    ifHolder('redis.call("PEXPIRE", KEYS[1], ARGV[2])'),
    (key, [, duration], store) => expireMilliseconds.run([key, text(duration)], store),
  ],
]);

/** EVAL of the scripts above, in any layout. There is no Lua here: others are refused. */
export const evaluate: Command = {
  minArguments: 2,
  maxArguments: Infinity,
  run([script = '', ...args], store) {
    const { keys, values } = parseArguments(args);
    const action = ACTIONS.get(canonical(script));
    if (action === undefined) {
      throw new RedisError('ERR this simulator runs no Lua but compare-and-delete and -expire');
    }
    const sha1 = createHash('sha1').update(script).digest('hex');
    store.scripts.set(sha1, script);
    // The line of the call is part of Redis' error: the first call compares, the second one acts.
    let call = 0;
    try {
      const key = text(keys[0]);
      const held = store.get(key);
      if (held === undefined || held !== values[0]) return 0;
      call = 1;
      return action(key, values, store);
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      const line = lineOfCall(script, call);
      throw new RedisError(`${error.message} script: ${sha1}, on @user_script:${line}.`);
    }
  },
};

/** EVALSHA of a script that EVAL has run before. */
export const evaluateHash: Command = {
  minArguments: 2,
  maxArguments: Infinity,
  run([hash = '', ...args], store) {
    parseArguments(args);
    const script = store.scripts.get(hash.toLowerCase());
    if (script === undefined) {
      throw new RedisError('NOSCRIPT No matching script. Please use EVAL.');
    }
    return evaluate.run([script, ...args], store);
  },
};

function parseArguments([keyCount = '', ...rest]: readonly string[]) {
  const count = parseInteger(keyCount);
  if (count > rest.length) {
    throw new RedisError("ERR Number of keys can't be greater than number of args");
  }
  if (count < 0n) throw new RedisError("ERR Number of keys can't be negative");
  return { keys: rest.slice(0, Number(count)), values: rest.slice(Number(count)) };
}

/** What a script passes on to a command. Lua has nil for what the caller has not given. */
function text(argument: string | undefined): string {
  if (argument !== undefined) return argument;
  throw new RedisError('ERR Lua redis lib command arguments must be strings or integers');
}

function ifHolder(action: string): string {
  return canonical(
    `if redis.call("GET", KEYS[1]) == ARGV[1] then return ${action} else return 0 end`,
  );
}

/** The same text for every layout, kind of quotes, and case of the commands' names. */
function canonical(script: string): string {
  return script
    .replaceAll(/(['"])(\w+)\1/g, (_quoted, _quote, word: string) => `"${word.toUpperCase()}"`)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([(),[\]=]) ?/g, '$1')
    .trim();
}

/** The line, from 1, of the call with this number, from 0. */
function lineOfCall(script: string, call: number): number {
  const before = script
    .split('redis.call')
    .slice(0, call + 1)
    .join('');
  return before.split('\n').length;
}
