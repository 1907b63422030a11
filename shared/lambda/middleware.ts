import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { LoggableError } from '../errors/loggable-error.ts';
import { describeError, type Log } from '../observability/log.ts';
import { messages } from '../observability/messages.ts';

/** What Dataverse repeats a delivery for: an HTTP function that fails answers this, never 500. */
const UNAVAILABLE = 503;

/** Small JSON answer of an HTTP API. */
export function jsonResponse(
  statusCode: number,
  body: Readonly<Record<string, unknown>>,
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}

/** Logs what made an HTTP function fail, without its message, and answers 503. */
export function unavailableOnError(
  log: () => Log,
): MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2> {
  return {
    onError: (request) => {
      log()(messages.functionFailed, describeError(request.error));
      request.response = jsonResponse(UNAVAILABLE, {
        error: 'unavailable',
        message: 'The request could not be handled. Send it again.',
      });
    },
  };
}

/** Stands for an error whose message might not be fit for the log that Lambda writes of it. */
export class FunctionFailed extends LoggableError {
  override readonly name = 'FunctionFailed';
}

/**
 * Logs what made a function fail and fails with an error that says no more than that: Lambda writes
 * the message, the stack and the properties of whatever a handler throws into the log.
 */
export function cleanedOnError(log: () => Log): {
  onError: (request: { error: unknown }) => never;
} {
  return {
    onError: ({ error }) => {
      const { errorName, errorCode, problem } = describeError(error);
      log()(messages.functionFailed, { errorName, errorCode, problem });
      throw new FunctionFailed(problem ?? [errorName, errorCode].filter(Boolean).join(' '));
    },
  };
}
