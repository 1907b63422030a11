import { DatabaseError } from 'pg';

/** The fields of a PostgreSQL error besides message and code, under the names that Neon's proxy uses. */
const DETAIL_FIELDS = [
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'severity',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const;

const INVALID_PASSWORD = '28P01';
const INVALID_CATALOG_NAME = '3D000';

/** An answer other than 200. With status 400 the driver reads the fields, else it quotes the body. */
export class NeonError extends Error {
  readonly status: number;
  readonly source: DatabaseError | undefined;

  constructor(status: number, message: string, source?: DatabaseError) {
    super(message, { cause: source });
    this.name = 'NeonError';
    this.status = status;
    this.source = source;
  }

  /** The body of the answer. All fields are always there, null where nothing is known. */
  toBody(): Record<string, string | null> {
    const fields = DETAIL_FIELDS.map((field) => [field, this.source?.[field] ?? null]);
    return {
      message: this.message,
      code: this.source?.code ?? null,
      ...Object.fromEntries(fields),
    };
  }
}

/** More than the proxy reads or writes over HTTP. */
export function tooLarge(what: 'request' | 'response', maxBytes: number): NeonError {
  const status = what === 'request' ? 413 : 507;
  return new NeonError(status, `${what} is too large (max is ${maxBytes} bytes)`);
}

/** The proxy cannot reach the database behind it. */
export function computeUnreachable(): NeonError {
  return new NeonError(500, "Couldn't connect to compute node");
}

/**
 * Why no connection came about. The proxy checks passwords itself, so a wrong one is in its own words
 * and has no code.
 */
export function connectError(error: unknown, user: string): NeonError {
  if (!(error instanceof DatabaseError)) return computeUnreachable();
  if (error.code === INVALID_PASSWORD) {
    return new NeonError(400, `password authentication failed for user '${user}'`);
  }
  return new NeonError(error.code === INVALID_CATALOG_NAME ? 400 : 500, error.message, error);
}

/** Why a statement failed: PostgreSQL's own error, or the loss of the connection (no code). */
export function statementError(error: unknown): NeonError {
  return error instanceof DatabaseError
    ? new NeonError(400, error.message, error)
    : new NeonError(400, 'connection closed');
}
