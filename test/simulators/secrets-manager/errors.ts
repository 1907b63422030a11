/** An error as the service sends it: status 400 and the shape's name, except for its own failures. */
export class SecretsManagerError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.name = 'SecretsManagerError';
    this.type = type;
    this.status = status;
  }
}

export function secretNotFound(): SecretsManagerError {
  return notFound("Secrets Manager can't find the specified secret.");
}

/** `which`: "VersionId: …" or "staging label: …". */
export function valueNotFound(which: string): SecretsManagerError {
  return notFound(`Secrets Manager can't find the specified secret value for ${which}`);
}

function notFound(message: string): SecretsManagerError {
  return new SecretsManagerError('ResourceNotFoundException', message);
}

export function invalidRequest(message: string): SecretsManagerError {
  return new SecretsManagerError('InvalidRequestException', message);
}

export function invalidParameter(message: string): SecretsManagerError {
  return new SecretsManagerError('InvalidParameterException', message);
}

export function alreadyExists(message: string): SecretsManagerError {
  return new SecretsManagerError('ResourceExistsException', message);
}
