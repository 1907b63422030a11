import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { createAccessTokens, type TokenVerdict } from './access-tokens.ts';
import { type Answer, failLine, type LineFault, sendAnswer } from './answer.ts';
import { EntraError, errorAnswer } from './errors.ts';
import { type Random, randomGuid } from './random.ts';
import { checkTokenRequest } from './token-endpoint.ts';

/** Lifetime of a token that Entra ID issues to an application, as it reports it. */
const TOKEN_LIFETIME_SECONDS = 3599;

/** `unavailable`: 503 as Entra ID answers it; `refused`: 401 (7000222), the secret has expired. */
export interface EntraFault {
  readonly mode: 'none' | 'unavailable' | 'refused' | LineFault;
  /** Added before every answer. */
  readonly latencyMs?: number;
  /** Sent as `Retry-After` with `unavailable`. */
  readonly retryAfterSeconds?: number;
}

export interface EntraSimulatorOptions {
  /** 0 or absent: a free port. */
  readonly port?: number;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly random?: Random;
  readonly tokenLifetimeSeconds?: number;
}

export interface EntraSimulator {
  /** Origin of the authority, without a trailing slash. */
  readonly url: string;
  readonly tenantId: string;
  /** Tokens handed out since the start. */
  readonly tokensIssued: number;
  /** Token requests received since the start, refused and failed ones too. */
  readonly tokenRequests: number;
  /** Makes a resource (an origin) known to the tenant; a scope for any other is refused (500011). */
  registerResource(origin: string): void;
  /** Checks a token as the resource with this origin would. */
  validate(token: string, resourceOrigin: string): TokenVerdict;
  revokeAll(): void;
  setFault(fault: EntraFault): void;
  clearFault(): void;
  close(): Promise<void>;
}

/** Starts a simulated Entra ID with one tenant and one application, on loopback. */
export async function startEntraSimulator(options: EntraSimulatorOptions): Promise<EntraSimulator> {
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;
  const lifetimeSeconds = options.tokenLifetimeSeconds ?? TOKEN_LIFETIME_SECONDS;
  const resources = new Set<string>();
  const tokens = createAccessTokens({ tenantId: options.tenantId, now, random });
  let fault: EntraFault = { mode: 'none' };
  let tokenRequests = 0;

  function answerTokenRequest(
    tenant: string,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    body: string,
  ): Answer {
    try {
      if (fault.mode === 'unavailable') {
        throw new EntraError(
          503,
          'temporarily_unavailable',
          90033,
          'A transient error has occurred. Please try again.',
        );
      }
      if (fault.mode === 'refused') {
        throw new EntraError(
          401,
          'invalid_client',
          7000222,
          `The provided client secret keys for app '${options.clientId}' are expired.`,
        );
      }
      const contentType = headers['content-type']?.toString();
      const resource = checkTokenRequest(tenant, contentType, body, { ...options, resources });
      return {
        status: 200,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'cache-control': 'no-store, no-cache',
        },
        body: JSON.stringify({
          token_type: 'Bearer',
          expires_in: lifetimeSeconds,
          ext_expires_in: lifetimeSeconds,
          access_token: tokens.issue(resource, options.clientId, lifetimeSeconds),
        }),
      };
    } catch (error) {
      if (!(error instanceof EntraError)) throw error;
      const answer = errorAnswer(error, {
        traceId: randomGuid(random),
        correlationId: headers['client-request-id']?.toString() ?? randomGuid(random),
        nowMs: now(),
      });
      if (fault.mode !== 'unavailable' || fault.retryAfterSeconds === undefined) return answer;
      const retryAfter = { 'retry-after': String(fault.retryAfterSeconds) };
      return { ...answer, headers: { ...answer.headers, ...retryAfter } };
    }
  }

  const app = Fastify({ forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  app.post<{ Params: { tenant: string } }>('/:tenant/oauth2/v2.0/token', async (request, reply) => {
    tokenRequests += 1;
    const { mode, latencyMs } = fault;
    if (latencyMs) await sleep(latencyMs);
    const body = typeof request.body === 'string' ? request.body : '';
    const answer = () => answerTokenRequest(request.params.tenant, request.headers, body);
    if (mode === 'none' || mode === 'unavailable' || mode === 'refused') {
      return sendAnswer(reply, answer());
    }
    return failLine(mode, reply, async () => answer());
  });

  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('No TCP address');

  return {
    url: `http://127.0.0.1:${address.port}`,
    tenantId: options.tenantId,
    get tokensIssued() {
      return tokens.issued;
    },
    get tokenRequests() {
      return tokenRequests;
    },
    registerResource(origin) {
      resources.add(origin);
    },
    validate: (token, resourceOrigin) => tokens.validate(token, resourceOrigin),
    revokeAll() {
      tokens.revokeAll();
    },
    setFault(next) {
      fault = next;
    },
    clearFault() {
      fault = { mode: 'none' };
    },
    close: () => app.close(),
  };
}
