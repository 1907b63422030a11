import type { CorsDefinition } from '../template/definitions.ts';
import type { GatewayResponse } from './payload-format.ts';

/** What of a request CORS looks at; headers with lower-case names. */
export interface CorsRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The answer to a preflight request, which an API with a CORS configuration gives itself, whatever
 * routes it has ("Configure CORS for HTTP APIs" of the API Gateway developer guide). Pure.
 *
 * @returns undefined if the request is another one.
 */
export function preflightResponse(
  { method, headers }: CorsRequest,
  cors: CorsDefinition,
): GatewayResponse | undefined {
  const origin = headers['origin'];
  if (method !== 'OPTIONS' || origin === undefined) return undefined;
  if (headers['access-control-request-method'] === undefined) return undefined;
  const allowed = allowedOrigin(origin, cors);
  const listed = {
    'access-control-allow-methods': cors.allowMethods.join(','),
    'access-control-allow-headers': cors.allowHeaders.join(','),
    'access-control-max-age': cors.maxAgeSeconds === undefined ? '' : String(cors.maxAgeSeconds),
  };
  return {
    statusCode: 204,
    headers: {
      ...allowed,
      ...(allowed &&
        Object.fromEntries(Object.entries(listed).filter(([, value]) => value !== ''))),
    },
    cookies: [],
    body: Buffer.alloc(0),
  };
}

/** A function's response with the API's CORS headers in the place of its own. Pure. */
export function withCors(
  response: GatewayResponse,
  { headers }: CorsRequest,
  cors: CorsDefinition,
): GatewayResponse {
  const own = Object.entries(response.headers).filter(
    ([name]) => !name.startsWith('access-control-'),
  );
  const origin = headers['origin'];
  const allowed = origin === undefined ? undefined : allowedOrigin(origin, cors);
  const exposed = cors.exposeHeaders.join(',');
  return {
    ...response,
    headers: {
      ...Object.fromEntries(own),
      ...allowed,
      ...(allowed && exposed !== '' && { 'access-control-expose-headers': exposed }),
    },
  };
}

/** An origin is allowed by itself, by its scheme (`https://*`), or with all others (`*`). */
function allowedOrigin(
  origin: string,
  { allowOrigins, allowCredentials }: CorsDefinition,
): Readonly<Record<string, string>> | undefined {
  const all = allowOrigins.includes('*');
  const scheme = `${origin.split('://')[0]}://*`;
  if (!all && !allowOrigins.includes(origin) && !allowOrigins.includes(scheme)) return undefined;
  return {
    'access-control-allow-origin': all ? '*' : origin,
    ...(allowCredentials && { 'access-control-allow-credentials': 'true' }),
  };
}
