/** What Redis answers instead of a result: a code in capitals and a sentence. */
export class RedisError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RedisError';
  }
}

export function syntaxError(): RedisError {
  return new RedisError('ERR syntax error');
}

export function wrongNumberOfArguments(command: string): RedisError {
  return new RedisError(`ERR wrong number of arguments for '${command}' command`);
}

/** For a time that is not to come, or is too far away for 64 bits. */
export function invalidExpireTime(command: string): RedisError {
  return new RedisError(`ERR invalid expire time in '${command}' command`);
}

/** Redis keeps whole numbers, and times in milliseconds, in 64 bits with a sign. */
export const MAX_INTEGER = 2n ** 63n - 1n;
export const MIN_INTEGER = -(2n ** 63n);

/** An argument or value as a whole number, in the one spelling that Redis takes. Throws as Redis does. */
export function parseInteger(text: string): bigint {
  if (/^(?:0|-?[1-9]\d{0,18})$/.test(text)) {
    const value = BigInt(text);
    if (value >= MIN_INTEGER && value <= MAX_INTEGER) return value;
  }
  throw new RedisError('ERR value is not an integer or out of range');
}
