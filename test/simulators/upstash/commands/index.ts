import { RedisError, wrongNumberOfArguments } from '../redis-error.ts';
import type { Command } from './command.ts';
import { del } from './delete.ts';
import { evaluate, evaluateHash } from './eval.ts';
import { exists } from './exists.ts';
import { expire, expireMilliseconds } from './expire.ts';
import { flushAll } from './flush-all.ts';
import { get } from './get.ts';
import { getDelete } from './get-delete.ts';
import { increment, incrementBy } from './increment.ts';
import { multiGet } from './multi-get.ts';
import { ping } from './ping.ts';
import { set } from './set.ts';
import { timeToLive, timeToLiveMilliseconds } from './time-to-live.ts';

const COMMANDS = new Map<string, Command>([
  ['DEL', del],
  ['EVAL', evaluate],
  ['EVALSHA', evaluateHash],
  ['EXISTS', exists],
  ['EXPIRE', expire],
  ['FLUSHALL', flushAll],
  ['GET', get],
  ['GETDEL', getDelete],
  ['INCR', increment],
  ['INCRBY', incrementBy],
  ['MGET', multiGet],
  ['PEXPIRE', expireMilliseconds],
  ['PING', ping],
  ['PTTL', timeToLiveMilliseconds],
  ['SET', set],
  ['TTL', timeToLive],
]);

/** Redis repeats about as many characters of an unknown command. */
const QUOTED_LENGTH = 128;

/** Throws a `RedisError` for an unknown name or a wrong number of arguments. */
export function findCommand(name: string, args: readonly string[]): Command {
  const command = COMMANDS.get(name.toUpperCase());
  if (command === undefined) throw unknownCommand(name, args);
  if (args.length < command.minArguments || args.length > command.maxArguments) {
    throw wrongNumberOfArguments(name.toLowerCase());
  }
  return command;
}

function unknownCommand(name: string, args: readonly string[]): RedisError {
  let quoted = '';
  for (const arg of args) {
    if (quoted.length >= QUOTED_LENGTH) break;
    quoted += `'${arg.slice(0, QUOTED_LENGTH - quoted.length)}' `;
  }
  return new RedisError(
    `ERR unknown command '${name.slice(0, QUOTED_LENGTH)}', with args beginning with: ${quoted}`,
  );
}
