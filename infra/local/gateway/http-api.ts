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
import { preflightResponse, withCors } from './cors.ts';
import { jwtAuthorizer, type JwtRefusal } from './jwt-authorizer.ts';
import { matchRoute } from './match-route.ts';
import {
  combineHeaders,
  type GatewayRequest,
  type GatewayResponse,
  queryParameters,
  requestEvent,
  responseOf,
  splitTarget,
} from './payload-format.ts';

/** What the HTTP API serves once the stack is up. */
export interface ServedApi {
  readonly definition: HttpApiDefinition;
  readonly accountId: string;
  readonly now: () => Date;
  invoke(functionName: string, event: unknown): Promise<Outcome>;
}

export interface HttpApi extends LoopbackServer {
  /** From now on requests reach their functions; until then they are answered with 503. */
  serve(api: ServedApi): void;
}

/** Quotas of HTTP APIs: what is larger is refused by the gateway itself. */
const MAX_PAYLOAD_BYTES = 10 * 1024 * 1024;
const MAX_REQUEST_LINE_AND_HEADER_BYTES = 10_240;
/** Beyond this Node answers, with the same status and no body. */
const MAX_READ_HEADER_BYTES = 64 * 1024;

/**
 * Listens for the HTTP API at once, so that its port is known (and known to be free) before
 * anything else is started.
 *
 * @param port 0 takes any free port.
 * @throws PortTakenError
 */
export async function openHttpApi(port: number): Promise<HttpApi> {
  let answer: ((request: GatewayRequest) => Promise<GatewayResponse>) | undefined;
  const server = await listenOnLoopback(
    port,
    async (request) => {
      const body = await readBody(request, MAX_PAYLOAD_BYTES);
      if (answer === undefined) return asAnswer(problem(503, 'Service Unavailable'));
      if (body === undefined) return asAnswer(problem(413, 'Request Entity Too Large'));
      return asAnswer(await answer(gatewayRequest(request, body)));
    },
    { maxHeaderSize: MAX_READ_HEADER_BYTES },
  );
  return {
    ...server,
    serve(api) {
      answer = answerFor(api);
    },
  };
}

function gatewayRequest(request: IncomingMessage, body: Buffer): GatewayRequest {
  const { socket, rawHeaders, httpVersion, method = 'GET', url: target = '/' } = request;
  const sourceIp = socket.remoteAddress ?? '';
  const forwarded = [
    ['X-Forwarded-For', sourceIp],
    ['X-Forwarded-Port', String(socket.localPort)],
    ['X-Forwarded-Proto', 'http'],
  ];
  return {
    method,
    target,
    httpVersion,
    rawHeaders: [...rawHeaders, ...forwarded.flat()],
    sourceIp,
    body,
  };
}

function answerFor(api: ServedApi): (request: GatewayRequest) => Promise<GatewayResponse> {
  const { apiId, stageName, routes, cors } = api.definition;
  const authorizers = new Map(
    routes.flatMap(({ authorization }) =>
      authorization === undefined
        ? []
        : [[authorization.authorizer, jwtAuthorizer(authorization.authorizer, api.now)]],
    ),
  );
  const prefix = stageName === '$default' ? '' : `/${stageName}`;

  const respond = async (request: GatewayRequest, requestId: string): Promise<GatewayResponse> => {
    if (headerBytes(request) > MAX_REQUEST_LINE_AND_HEADER_BYTES) {
      return problem(431, 'Request Header Fields Too Large');
    }
    const { method, target, rawHeaders } = request;
    const { headers } = combineHeaders(rawHeaders);
    const preflight = cors && preflightResponse({ method, headers }, cors);
    if (preflight !== undefined) return preflight;
    const { rawPath, rawQueryString } = splitTarget(target);
    const match = rawPath.startsWith(`${prefix}/`)
      ? matchRoute(routes, method, rawPath.slice(prefix.length))
      : undefined;
    if (match === undefined) return problem(404, 'Not Found');

    const { authorization, functionName, missingPermission, timeoutMs, routeKey } = match.route;
    const identity = await (authorization &&
      authorizers.get(authorization.authorizer)?.authorize({
        headers,
        query: queryParameters(rawQueryString),
        routeScopes: authorization.scopes,
      }));
    if (identity !== undefined && 'challenge' in identity) return refusedByAuthorizer(identity);

    if (missingPermission !== undefined) return problem(500, 'Internal Server Error');

    const route = { ...match, routeKey, apiId, accountId: api.accountId, stageName, identity };
    const event = requestEvent(request, route, requestId, api.now().getTime());
    const invocation = api.invoke(functionName, event);
    const response = await withTimeout(invocation, timeoutMs).then(
      gatewayResponse,
      refusedByLambda,
    );
    return cors === undefined ? response : withCors(response, { method, headers }, cors);
  };
  return async (request) => {
    const requestId = randomUUID();
    const response = await respond(request, requestId);
    return { ...response, headers: { ...response.headers, 'apigw-requestid': requestId } };
  };
}

/** "Total combined size of request line and header values" in the quotas. */
function headerBytes({ method, target, httpVersion, rawHeaders }: GatewayRequest): number {
  const line = `${method} ${target} HTTP/${httpVersion}`;
  const values = rawHeaders.filter((_part, index) => index % 2 === 1);
  return [line, ...values].reduce((bytes, part) => bytes + Buffer.byteLength(part, 'latin1'), 0);
}

function refusedByAuthorizer({ statusCode, challenge }: JwtRefusal): GatewayResponse {
  const response = problem(statusCode, statusCode === 401 ? 'Unauthorized' : 'Forbidden');
  return { ...response, headers: { ...response.headers, 'www-authenticate': challenge } };
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
