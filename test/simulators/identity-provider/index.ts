import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import Fastify from 'fastify';

/** The only kind of key whose tokens an HTTP API's JWT authorizer takes. */
const ALGORITHM = 'RS256';
const KEY_ID = 'simulated-1';
const JWKS_PATH = '/.well-known/jwks.json';

export interface TokenClaims {
  readonly subject: string;
  readonly audience: string;
  /** Separated by spaces; absent: the token has none, like that of a patient. */
  readonly scope?: string;
  readonly lifetimeSeconds: number;
}

/** The provider at which staff and patients sign in: OpenID Connect discovery, keys, access tokens. */
export interface IdentityProviderSimulator {
  /** `iss` of its tokens, without a trailing slash. */
  readonly issuer: string;
  /** A signed access token, as somebody gets it who has signed in. */
  issueToken(claims: TokenClaims): Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts an OpenID provider on loopback with one key, made at the start, and no sign-in: its discovery
 * document ("OpenID Connect Discovery 1.0", 4) and its key set (RFC 7517) are what an API needs.
 */
export async function startIdentityProvider(
  options: {
    /** Milliseconds since 1970. */
    readonly now?: () => number;
  } = {},
): Promise<IdentityProviderSimulator> {
  const now = options.now ?? Date.now;
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM);
  const key = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: ALGORITHM, use: 'sig' };

  const app = Fastify({ forceCloseConnections: true });
  app.get('/.well-known/openid-configuration', async () => ({
    issuer,
    jwks_uri: `${issuer}${JWKS_PATH}`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [ALGORITHM],
  }));
  app.get(JWKS_PATH, async () => ({ keys: [key] }));
  const issuer = await app.listen({ host: '127.0.0.1', port: 0 });

  return {
    issuer,
    issueToken: ({ subject, audience, scope, lifetimeSeconds }) => {
      const issuedAtSeconds = Math.floor(now() / 1000);
      return new SignJWT(scope === undefined ? {} : { scope })
        .setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID })
        .setIssuer(issuer)
        .setSubject(subject)
        .setAudience(audience)
        .setIssuedAt(issuedAtSeconds)
        .setExpirationTime(issuedAtSeconds + lifetimeSeconds)
        .sign(privateKey);
    },
    close: () => app.close(),
  };
}
