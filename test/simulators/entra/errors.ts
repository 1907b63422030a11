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

/** The body in which Entra ID reports an error: the number in words and in `error_codes`. */
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
        `AADSTS${error.code}: ${error.message} Trace ID: ${context.traceId} ` +
        `Correlation ID: ${context.correlationId} Timestamp: ${timestamp}`,
      error_codes: [error.code],
      timestamp,
      trace_id: context.traceId,
      correlation_id: context.correlationId,
    }),
  };
}
