import { createRemoteJWKSet, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import * as z from 'zod';
import type { JwtAuthorizerDefinition } from '../template/definitions.ts';

/** What a token has shown: `requestContext.authorizer.jwt` of the function's event. */
export interface JwtIdentity {
  readonly claims: Readonly<Record<string, string>>;
  /** Null where the route asks for none. */
  readonly scopes: readonly string[] | null;
}

/** The request does not reach the function. */
export interface JwtRefusal {
  readonly statusCode: 401 | 403;
  /** Value of the header `www-authenticate`. */
  readonly challenge: string;
}

export interface JwtRequest {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** One of these is enough; none: no scope is asked for. */
  readonly routeScopes: readonly string[];
}

export interface JwtAuthorizer {
  authorize(request: JwtRequest): Promise<JwtIdentity | JwtRefusal>;
}

/** "Currently, only RSA-based algorithms are supported." */
const ALGORITHMS = ['RS256', 'RS384', 'RS512'];
/** Quotas of HTTP APIs: how long the issuer may take to answer. */
const ISSUER_TIMEOUT_MS = 1500;
/** "API Gateway can cache the public key for two hours." */
const KEY_AGE_MS = 2 * 3600 * 1000;

const discoveryDocument = z.object({ jwks_uri: z.url() });

/**
 * Checks tokens as an HTTP API does ("Control access to HTTP APIs with JWT authorizers" of the API
 * Gateway developer guide): key, algorithm and signature, `iss`, `aud` or `client_id`, `exp`, `nbf`,
 * `iat`, and the route's scopes. There is no allowance for clocks that differ.
 *
 * @param now the gateway's time.
 */
export function jwtAuthorizer(
  { issuer, audience, identitySource }: JwtAuthorizerDefinition,
  now: () => Date,
): JwtAuthorizer {
  const keys = keysOf(issuer);
  return {
    async authorize({ headers, query, routeScopes }) {
      const { from, name } = identitySource;
      const given = from === 'header' ? headers[name.toLowerCase()] : query[name];
      const token = given?.replace(/^bearer /i, '').trim() ?? '';
      if (token === '') return { statusCode: 401, challenge: 'Bearer' };
      const currentDate = now();
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          algorithms: ALGORITHMS,
          requiredClaims: ['exp'],
          currentDate,
        });
        if ((payload.iat ?? 0) * 1000 > currentDate.getTime()) return invalidToken();
        if (!isMeantForUs(payload, audience)) {
          return invalidToken('the token does not have a valid audience');
        }
        const scopes = scopesOf(payload);
        if (routeScopes.length > 0 && !routeScopes.some((scope) => scopes.includes(scope))) {
          const wanted = routeScopes.join(' ');
          return {
            statusCode: 403,
            challenge: `Bearer scope="${wanted}" error="insufficient_scope"`,
          };
        }
        return {
          claims: Object.fromEntries(
            Object.entries(payload).map(([claim, value]) => [claim, claimText(value)]),
          ),
          scopes: routeScopes.length > 0 ? scopes : null,
        };
      } catch {
        // Which check failed is not told. An issuer that cannot be asked vouches for nobody.
        return invalidToken();
      }
    },
  };
}

function invalidToken(description?: string): JwtRefusal {
  const detail = description === undefined ? '' : ` error_description="${description}"`;
  return { statusCode: 401, challenge: `Bearer scope="" error="invalid_token"${detail}` };
}

/** The issuer's keys, looked up through its discovery document when the first token comes. */
function keysOf(issuer: string): JWTVerifyGetKey {
  let found: Promise<JWTVerifyGetKey> | undefined;
  const discover = async (): Promise<JWTVerifyGetKey> => {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(url, { signal: AbortSignal.timeout(ISSUER_TIMEOUT_MS) });
    const { jwks_uri: keysUrl } = discoveryDocument.parse(await response.json());
    return createRemoteJWKSet(new URL(keysUrl), {
      timeoutDuration: ISSUER_TIMEOUT_MS,
      cacheMaxAge: KEY_AGE_MS,
    });
  };
  return async (header, token) => {
    if (header.kid === undefined) throw new Error('the token names no key');
    found ??= discover().catch((error: unknown) => {
      // The next token tries again.
      found = undefined;
      throw error;
    });
    const keys = await found;
    return await keys(header, token);
  };
}

/** `client_id` counts only for a token without `aud`. */
function isMeantForUs(payload: JWTPayload, audience: readonly string[]): boolean {
  const named = payload.aud === undefined ? [payload['client_id']].flat() : [payload.aud].flat();
  return named.some((name) => typeof name === 'string' && audience.includes(name));
}

function scopesOf(payload: JWTPayload): string[] {
  const claim = payload['scope'] ?? payload['scp'];
  if (Array.isArray(claim)) return claim.map(String);
  return typeof claim === 'string' ? claim.split(' ').filter((scope) => scope !== '') : [];
}

/** Claims arrive as text, lists as `[one two]`. */
function claimText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(claimText).join(' ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
