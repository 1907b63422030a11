import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { JwtIdentity } from './jwt-authorizer.ts';

/** A request as it came in, before anything is decided about it. */
export interface GatewayRequest {
  readonly method: string;
  /** Path and query as in the request line. */
  readonly target: string;
  readonly httpVersion: string;
  /** Names and values in turns, as received. */
  readonly rawHeaders: readonly string[];
  readonly sourceIp: string;
  readonly body: Buffer;
}

/** Where in the API the request arrived, and as whom. */
export interface GatewayRoute {
  readonly routeKey: string;
  readonly apiId: string;
  readonly accountId: string;
  readonly stageName: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  /** Undefined on a route without authorizer. */
  readonly identity: JwtIdentity | undefined;
}

export interface GatewayResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: Buffer;
}

/** The function's answer is not one that API Gateway understands: the caller gets 500. */
export class MalformedResponseError extends Error {
  override readonly name = 'MalformedResponseError';
}

/**
 * The event that an HTTP API hands to a function: payload format 2.0 of the API Gateway developer
 * guide, "Create AWS Lambda proxy integrations for HTTP APIs".
 *
 * @param requestId and `now` (Unix milliseconds) are the gateway's own.
 */
export function requestEvent(
  request: GatewayRequest,
  route: GatewayRoute,
  requestId: string,
  now: number,
): APIGatewayProxyEventV2 {
  const { rawPath, rawQueryString } = splitTarget(request.target);
  const { headers, cookies } = combineHeaders(request.rawHeaders);
  const query = queryParameters(rawQueryString);
  const text = isText(headers['content-type']);
  const host = headers['host'] ?? '';
  return {
    version: '2.0',
    routeKey: route.routeKey,
    rawPath,
    rawQueryString,
    ...(cookies.length > 0 && { cookies }),
    headers,
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    requestContext: {
      accountId: route.accountId,
      apiId: route.apiId,
      ...(route.identity && { authorizer: { jwt: route.identity } }),
      domainName: host,
      domainPrefix: host.split('.')[0] ?? '',
      http: {
        method: request.method,
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId,
      routeKey: route.routeKey,
      stage: route.stageName,
      time: commonLogTime(now),
      timeEpoch: now,
    },
    ...(Object.keys(route.pathParameters).length > 0 && { pathParameters: route.pathParameters }),
    ...(request.body.length > 0 && { body: request.body.toString(text ? 'utf8' : 'base64') }),
    isBase64Encoded: request.body.length > 0 && !text,
  };
}

/**
 * The HTTP response that an HTTP API makes of a function's result: with a `statusCode` it says
 * everything itself, without one it is the JSON body of a 200.
 *
 * @throws MalformedResponseError
 */
export function responseOf(result: unknown): GatewayResponse {
  if (!isObject(result) || !('statusCode' in result)) {
    const body = Buffer.from(typeof result === 'string' ? result : JSON.stringify(result));
    return { statusCode: 200, headers: { 'content-type': 'application/json' }, cookies: [], body };
  }
  const { statusCode, headers = {}, cookies = [], body = '', isBase64Encoded = false } = result;
  const status = Number(statusCode);
  const valid =
    Number.isInteger(status) &&
    status >= 200 &&
    status <= 599 &&
    isObject(headers) &&
    Array.isArray(cookies) &&
    typeof body === 'string';
  if (!valid) throw new MalformedResponseError('the function did not return a valid response');
  const named = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), String(value)] as const)
    .filter(([name]) => !OF_THE_CONNECTION.has(name));
  for (const cookie of cookies) checkHeader('set-cookie', String(cookie));
  for (const [name, value] of named) checkHeader(name, value);
  return {
    statusCode: status,
    headers: { 'content-type': 'text/plain;charset=UTF-8', ...Object.fromEntries(named) },
    cookies: cookies.map(String),
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** Headers that are the gateway's own business. */
const OF_THE_CONNECTION = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
]);

function checkHeader(name: string, value: string): void {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new MalformedResponseError('the function returned a header that cannot be sent');
  }
}

/** Path and query of a request line. */
export function splitTarget(target: string): { rawPath: string; rawQueryString: string } {
  const question = target.indexOf('?');
  const path = question === -1 ? target : target.slice(0, question);
  return { rawPath: path, rawQueryString: question === -1 ? '' : target.slice(question + 1) };
}

/** Lower-case names, duplicates joined by commas; cookies stand apart. */
export function combineHeaders(raw: readonly string[]): {
  headers: Record<string, string>;
  cookies: string[];
} {
  const headers = new Map<string, string>();
  const cookies: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const value = raw[index + 1] ?? '';
    if (name === 'cookie') {
      cookies.push(...value.split(';').map((cookie) => cookie.trim()));
      continue;
    }
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return { headers: Object.fromEntries(headers), cookies };
}

export function queryParameters(rawQueryString: string): Record<string, string> {
  const combined = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    const before = combined.get(name);
    combined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(combined);
}

/**
 * HTTP APIs have no list of binary media types: they look at the content type. Text, JSON, XML and
 * JavaScript arrive as they are; anything else, and a body without a type, base64-encoded.
 */
function isText(contentType: string | undefined): boolean {
  const mediaType = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return (
    mediaType.startsWith('text/') ||
    /^application\/(json|xml|javascript)$/.test(mediaType) ||
    /\+(json|xml)$/.test(mediaType)
  );
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `12/Mar/2026:19:03:58 +0000` */
function commonLogTime(now: number): string {
  const [date = '', time = ''] = new Date(now).toISOString().slice(0, 19).split('T');
  const [year, month, day] = date.split('-');
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time} +0000`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
