import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Outcome } from '../lambda/execution-environment.ts';
import { RequestTooLargeError, ThrottledError } from '../lambda/lambda-error.ts';
import type { HttpApiDefinition } from '../template/definitions.ts';
import {
  type Answer,
  listenOnLoopback,
  type LoopbackServer,
  readBody,
} from '../loopback-server.ts';
import { matchRoute } from './match-route.ts';
import { type GatewayResponse, requestEvent, responseOf, splitTarget } from './payload-format.ts';

/** What the HTTP API serves once the stack is up. */
export interface ServedApi {
  readonly definition: HttpApiDefinition;
  readonly accountId: string;
  invoke(functionName: string, event: unknown): Promise<Outcome>;
}

export interface HttpApi extends LoopbackServer {
  /** From now on requests reach their functions; until then they are answered with 503. */
  serve(api: ServedApi): void;
}

/** Quota of HTTP APIs: a larger payload is refused by the gateway itself. */
const MAX_PAYLOAD_BYTES = 10 * 1024 * 1024;

/**
 * Listens for the HTTP API at once, so that its port is known (and known to be free) before
 * anything else is started.
 *
 * @param port 0 takes any free port.
 * @throws PortTakenError
 */
export async function openHttpApi(port: number): Promise<HttpApi> {
  let served: ServedApi | undefined;
  const server = await listenOnLoopback(port, async (request) =>
    asAnswer(await answer(request, served)),
  );
  return {
    ...server,
    serve(api) {
      served = api;
    },
  };
}

async function answer(
  request: IncomingMessage,
  served: ServedApi | undefined,
): Promise<GatewayResponse> {
  const body = await readBody(request, MAX_PAYLOAD_BYTES);
  if (served === undefined) return problem(503, 'Service Unavailable');
  if (body === undefined) return problem(413, 'Request Entity Too Large');

  const { definition, accountId } = served;
  const { apiId, stageName, routes } = definition;
  const target = request.url ?? '/';
  const method = request.method ?? 'GET';
  const prefix = stageName === '$default' ? '' : `/${stageName}`;
  const { rawPath } = splitTarget(target);
  const match = rawPath.startsWith(`${prefix}/`)
    ? matchRoute(routes, method, rawPath.slice(prefix.length))
    : undefined;
  if (match === undefined) return problem(404, 'Not Found');

  const sourceIp = request.socket.remoteAddress ?? '';
  const requestId = randomUUID();
  const forwarded = ['X-Forwarded-For', sourceIp, 'X-Forwarded-Proto', 'http'];
  const { rawHeaders, httpVersion } = request;
  const event = requestEvent(
    { method, target, httpVersion, sourceIp, body, rawHeaders: [...rawHeaders, ...forwarded] },
    { ...match, routeKey: match.route.routeKey, apiId, accountId, stageName },
    requestId,
    Date.now(),
  );
  const { functionName, timeoutMs } = match.route;
  const invocation = served.invoke(functionName, event);
  const response = await withTimeout(invocation, timeoutMs).then(gatewayResponse, refusedByLambda);
  return { ...response, headers: { ...response.headers, 'apigw-requestid': requestId } };
}

/** Which status stands for which refusal is not documented by AWS; these are what it is seen to send. */
function refusedByLambda(error: unknown): GatewayResponse {
  if (error instanceof RequestTooLargeError) return problem(413, 'Request Entity Too Large');
  if (error instanceof ThrottledError) return problem(503, 'Service Unavailable');
  return problem(500, 'Internal Server Error');
}

/** What the caller sees: of a function that failed, no more than that. */
function gatewayResponse(outcome: Outcome | undefined): GatewayResponse {
  if (outcome === undefined) return problem(503, 'Service Unavailable');
  if ('error' in outcome) return problem(500, 'Internal Server Error');
  try {
    return responseOf(JSON.parse(outcome.payload));
  } catch {
    return problem(500, 'Internal Server Error');
  }
}

function problem(statusCode: number, message: string): GatewayResponse {
  const body = Buffer.from(JSON.stringify({ message }));
  return { statusCode, headers: { 'content-type': 'application/json' }, cookies: [], body };
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function asAnswer({ statusCode, headers, cookies, body }: GatewayResponse): Answer {
  return {
    statusCode,
    headers: {
      ...headers,
      'content-length': body.length,
      ...(cookies.length > 0 && { 'set-cookie': [...cookies] }),
    },
    body,
  };
}
