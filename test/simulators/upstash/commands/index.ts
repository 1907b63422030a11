import { RedisError } from '../redis-error.ts';
import type { Command } from './command.ts';
import { del } from './delete.ts';
import { evaluate } from './eval.ts';
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

/** Throws a `RedisError` for an unknown name or a wrong number of arguments. */
export function findCommand(name: string, argumentCount: number): Command {
  const command = COMMANDS.get(name.toUpperCase());
  if (command === undefined) throw new RedisError(`ERR unknown command '${name}'`);
  if (argumentCount < command.minArguments || argumentCount > command.maxArguments) {
    throw new RedisError(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
  }
  return command;
}
