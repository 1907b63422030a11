import type { Answer } from './answer.ts';

/** An error of Entra ID: the OAuth 2.0 error code and the AADSTS number with its text. */
export class EntraError extends Error {
  readonly status: number;
  readonly error: string;
  readonly code: number;

  constructor(status: number, error: string, code: number, message: string) {
    super(message);
    this.status = status;
    this.error = error;
    this.code = code;
  }
}

/** The numbers are explained there (Microsoft's reference of the AADSTS error codes). */
const ERROR_PAGE = 'https://login.microsoftonline.com/error';

/**
 * The body in which Entra ID reports an error: the number in words and in `error_codes`. Lines end as
 * in the reference of the AADSTS error codes.
 */
export function errorAnswer(
  error: EntraError,
  context: { traceId: string; correlationId: string; nowMs: number },
): Answer {
  const timestamp = `${new Date(context.nowMs).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    status: error.status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({
      error: error.error,
      error_description:
        `AADSTS${error.code}: ${error.message}\r\nTrace ID: ${context.traceId}\r\n` +
        `Correlation ID: ${context.correlationId}\r\nTimestamp: ${timestamp}`,
      error_codes: [error.code],
      timestamp,
      trace_id: context.traceId,
      correlation_id: context.correlationId,
      error_uri: `${ERROR_PAGE}?code=${error.code}`,
    }),
  };
}
