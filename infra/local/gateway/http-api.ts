import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Outcome } from '../lambda/execution-environment.ts';
import type { HttpApiDefinition } from '../template/definitions.ts';
import { matchRoute } from './match-route.ts';
import { type GatewayResponse, requestEvent, responseOf, splitTarget } from './payload-format.ts';

/** What the HTTP API serves once the stack is up. */
export interface ServedApi {
  readonly definition: HttpApiDefinition;
  readonly accountId: string;
  invoke(functionName: string, event: unknown): Promise<Outcome>;
}

export interface HttpApi {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** From now on requests reach their functions; until then they are answered with 503. */
  serve(api: ServedApi): void;
  /** Takes no new connection and waits for the requests under way, at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Another program listens on the port of the HTTP API. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

/** Quota of HTTP APIs: a larger payload is refused by the gateway itself. */
const MAX_PAYLOAD_BYTES = 10 * 1024 * 1024;
const LOOPBACK = '127.0.0.1';

/**
 * Listens for the HTTP API at once, so that its port is known (and known to be free) before
 * anything else is started.
 *
 * @param port 0 takes any free port.
 * @throws PortTakenError
 */
export async function openHttpApi(port: number): Promise<HttpApi> {
  let served: ServedApi | undefined;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const result = await answer(request, served);
      // A connection that were kept alive would hold up the closing of the server.
      if (!server.listening) response.setHeader('connection', 'close');
      send(response, result);
    } catch {
      // The client went away while it was sending.
      response.destroy();
    }
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new PortTakenError(`port ${port} is taken by another program`) : error);
    });
    server.listen(port, LOOPBACK, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');

  return {
    url: `http://${LOOPBACK}:${address.port}`,
    serve(api) {
      served = api;
    },
    async close(graceMs) {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

async function answer(
  request: IncomingMessage,
  served: ServedApi | undefined,
): Promise<GatewayResponse> {
  const body = await readBody(request);
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
  const outcome = await withTimeout(served.invoke(functionName, event), timeoutMs);
  const response = gatewayResponse(outcome);
  return { ...response, headers: { ...response.headers, 'apigw-requestid': requestId } };
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

/** The whole body, or undefined if it is over the limit; the rest is read and thrown away. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_PAYLOAD_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes <= MAX_PAYLOAD_BYTES ? Buffer.concat(chunks) : undefined;
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

function send(response: ServerResponse, result: GatewayResponse): void {
  response.writeHead(result.statusCode, {
    ...result.headers,
    'content-length': result.body.length,
    ...(result.cookies.length > 0 && { 'set-cookie': [...result.cookies] }),
  });
  response.end(result.body);
}
