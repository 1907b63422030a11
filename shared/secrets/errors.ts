import { LoggableError } from '../errors/loggable-error.ts';

/** The base of what can go wrong with a secret. Names the secret, never its value. */
export abstract class SecretError extends LoggableError {
  /** ARN or name, as it was asked for. */
  readonly secretId: string;

  constructor(message: string, secretId: string) {
    super(message);
    this.secretId = secretId;
  }
}

/** The secret does not exist, or nobody has given it a value: somebody has to. */
export class SecretUnset extends SecretError {
  override readonly name = 'SecretUnset';

  constructor(secretId: string) {
    super(
      `The secret ${secretId} has no value. Give it one: aws secretsmanager put-secret-value --secret-id ${secretId} --secret-string file://<file>`,
      secretId,
    );
  }
}

/** Secrets Manager did not give the secret out; trying again later may help. */
export class SecretUnavailable extends SecretError {
  override readonly name = 'SecretUnavailable';
  /** The SDK's name of the error, such as `AccessDeniedException` or `TimeoutError`. */
  readonly reason: string;

  constructor(secretId: string, reason: string) {
    super(`The secret ${secretId} could not be read: ${reason}`, secretId);
    this.reason = reason;
  }
}
