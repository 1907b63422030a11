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

export function notAnInteger(): RedisError {
  return new RedisError('ERR value is not an integer or out of range');
}

/** An argument as a whole number. Throws as Redis does if it is something else. */
export function parseInteger(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || !/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw notAnInteger();
  }
  return value;
}
