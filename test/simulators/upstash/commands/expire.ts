import { invalidExpireTime, parseInteger, RedisError } from '../redis-error.ts';
import { expiryTime } from '../expiry-time.ts';
import type { Command } from './command.ts';

const CONDITIONS = new Set(['NX', 'XX', 'GT', 'LT']);

/**
 * EXPIRE and PEXPIRE: 1 if the key is there and meets the conditions; a time that is over removes it.
 * The order of the checks is that of `expireGenericCommand` in Redis' expire.c.
 */
function expireIn(name: string, unitMs: 1 | 1000): Command {
  return {
    minArguments: 2,
    maxArguments: Infinity,
    run([key = '', duration = '', ...options], store) {
      const conditions = parseConditions(options);
      const expiresAtMs = expiryTime(parseInteger(duration), unitMs, store.nowMs);
      if (expiresAtMs === undefined) throw invalidExpireTime(name);
      const value = store.get(key);
      const formerMs = store.expiresAtMs(key);
      if (value === undefined || formerMs === undefined) return 0;
      if (!conditions.every((condition) => holds(condition, formerMs, expiresAtMs))) return 0;
      if (expiresAtMs <= store.nowMs) store.delete(key);
      else store.set(key, value, expiresAtMs);
      return 1;
    },
  };
}

function parseConditions(options: readonly string[]): string[] {
  const conditions = new Set<string>();
  for (const option of options) {
    const condition = option.toUpperCase();
    if (!CONDITIONS.has(condition)) throw new RedisError(`ERR Unsupported option ${option}`);
    conditions.add(condition);
  }
  if (conditions.has('NX') && conditions.size > 1) {
    throw new RedisError('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (conditions.has('GT') && conditions.has('LT')) {
    throw new RedisError('ERR GT and LT options at the same time are not compatible');
  }
  return [...conditions];
}

function holds(condition: string, formerMs: number, expiresAtMs: number): boolean {
  if (condition === 'NX') return formerMs === Infinity;
  if (condition === 'XX') return formerMs !== Infinity;
  return condition === 'GT' ? expiresAtMs > formerMs : expiresAtMs < formerMs;
}

export const expire = expireIn('expire', 1000);
export const expireMilliseconds = expireIn('pexpire', 1);
