import type { MiddlewareObj } from '@middy/core';
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  SQSBatchResponse,
  SQSEvent,
} from 'aws-lambda';
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

/** Logs what made a queue consumer fail, without its message, and leaves the whole batch on the queue. */
export function batchKeptOnError(log: () => Log): MiddlewareObj<SQSEvent, SQSBatchResponse> {
  return {
    onError: (request) => {
      log()(messages.functionFailed, describeError(request.error));
      request.response = {
        batchItemFailures: request.event.Records.map(({ messageId }) => ({
          itemIdentifier: messageId,
        })),
      };
    },
  };
}
