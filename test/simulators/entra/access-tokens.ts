import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { type Random, randomBytes, randomGuid } from './random.ts';

/** `unknown`: not issued here, altered, or issued for another resource. */
export type TokenVerdict = 'ok' | 'expired' | 'revoked' | 'unknown';

/** The claims that a resource checks: `exp` in seconds, `uti` the token's own id. */
const claimsSchema = z.object({ aud: z.string(), exp: z.number(), uti: z.string() });

export interface AccessTokens {
  /** A signed token for one resource (its origin, without a trailing slash). */
  issue(resource: string, clientId: string, lifetimeSeconds: number): string;
  validate(token: string, resource: string): TokenVerdict;
  /** Makes every token issued so far worthless, as a disabled application or a security event does. */
  revokeAll(): void;
  readonly issued: number;
}

/**
 * Issues and checks access tokens. They look like Entra's (claims of a version 1 token, which is what
 * Dataverse gets), but are signed with a key that lives as long as the simulator, so a token
 * from before a restart is unknown.
 */
export function createAccessTokens(options: {
  tenantId: string;
  now: () => number;
  random: Random;
}): AccessTokens {
  const { tenantId, now, random } = options;
  const key = randomBytes(random, 32);
  const valid = new Set<string>();
  const revoked = new Set<string>();
  let issued = 0;

  function sign(content: string): string {
    return createHmac('sha256', key).update(content).digest('base64url');
  }

  return {
    issue(resource, clientId, lifetimeSeconds) {
      issued += 1;
      const nowSeconds = Math.floor(now() / 1000);
      const uti = randomBytes(random, 16).toString('base64url');
      valid.add(uti);
      const content = [
        { typ: 'JWT', alg: 'HS256' },
        {
          aud: resource,
          iss: `https://sts.windows.net/${tenantId}/`,
          iat: nowSeconds,
          nbf: nowSeconds,
          exp: nowSeconds + lifetimeSeconds,
          appid: clientId,
          appidacr: '1',
          oid: randomGuid(random),
          tid: tenantId,
          uti,
          ver: '1.0',
        },
      ]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      return `${content}.${sign(content)}`;
    },

    validate(token, resource) {
      const [header, payload, signature, ...rest] = token.split('.');
      if (!header || !payload || rest.length > 0) return 'unknown';
      if (signature !== sign(`${header}.${payload}`)) return 'unknown';
      const claims = claimsSchema.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
      if (claims.aud !== resource) return 'unknown';
      if (revoked.has(claims.uti)) return 'revoked';
      return now() < claims.exp * 1000 ? 'ok' : 'expired';
    },

    revokeAll() {
      for (const uti of valid) revoked.add(uti);
      valid.clear();
    },

    get issued() {
      return issued;
    },
  };
}
