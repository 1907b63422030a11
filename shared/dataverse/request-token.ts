import * as z from 'zod';
import type { DynamicsConnection } from './connection.ts';
import { DataverseUnavailable, TokenRefused, TokenUnavailable } from './errors.ts';
import { exchange, unavailability, type HttpOptions } from './http.ts';
import { parseJson } from './json.ts';
import { type AccessToken, tokenValue } from './sealed-token.ts';

/** `expires_in` is a number of seconds; some national clouds have answered it as a string. */
const issued = z.object({
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.coerce.number().int().positive(),
  access_token: tokenValue,
});

const refusal = z.object({
  error: z.string(),
  error_codes: z.array(z.number().int()).catch([]),
});

/** OAuth error names that mean "not now" although the status is a 4xx (RFC 6749, 4.1.2.1). */
const TRANSIENT_ERRORS = new Set(['temporarily_unavailable', 'server_error']);

/**
 * Asks Entra ID for a token of the connection's application (v2 endpoint, client credentials). There is
 * no refresh token: the same request is made again when this one ends.
 *
 * @throws TokenRefused, TokenUnavailable
 */
export async function requestToken(
  connection: DynamicsConnection,
  tenantId: string,
  options: HttpOptions & { readonly now: () => number },
): Promise<AccessToken> {
  // Before the request: counted from its end, a slow answer would make the token live too long.
  const issuedAtMs = options.now();
  const answer = await exchange(
    {
      method: 'POST',
      url: `${connection.authorityUrl}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`,
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: connection.clientId,
        client_secret: connection.clientSecret,
        scope: `${connection.orgUrl}/.default`,
      }).toString(),
      writes: false,
    },
    options,
  ).catch(asTokenUnavailable);

  const notNow = unavailability(answer, false, options.now());
  if (notNow) throw new TokenUnavailable(notNow);

  const body = parseJson(answer.text);
  if (answer.status !== 200) {
    const { data } = refusal.safeParse(body);
    // A 4xx that is not in Entra's form comes from something that stands in between.
    if (data === undefined || TRANSIENT_ERRORS.has(data.error)) {
      throw new TokenUnavailable({
        reason: data === undefined ? 'malformed-answer' : 'server-error',
        status: answer.status,
      });
    }
    throw new TokenRefused(data.error_codes);
  }
  const { data } = issued.safeParse(body);
  if (data === undefined) {
    throw new TokenUnavailable({ reason: 'malformed-answer', status: answer.status });
  }
  return {
    value: data.access_token,
    issuedAtMs,
    expiresAtMs: issuedAtMs + data.expires_in * 1000,
  };
}

function asTokenUnavailable(error: unknown): never {
  if (!(error instanceof DataverseUnavailable)) throw error;
  throw new TokenUnavailable({ reason: error.reason, status: error.status });
}
