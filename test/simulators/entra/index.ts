import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { createAccessTokens, type TokenVerdict } from './access-tokens.ts';
import { type Answer, failLine, type LineFault, sendAnswer } from './answer.ts';
import type { ClientSecret } from './client-secrets.ts';
import { CONTROL_PATH, serveControlApi } from './control.ts';
import { EntraError, errorAnswer } from './errors.ts';
import { type Random, randomGuid } from './random.ts';
import { createRequestCounter, type RequestCounts } from './request-counts.ts';
import { checkTokenRequest, secretExpired, type TokenRequest } from './token-endpoint.ts';

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
  /** The application's only secret at the start; it does not expire. */
  readonly clientSecret: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly random?: Random;
  readonly tokenLifetimeSeconds?: number;
}

export interface EntraSimulator {
  /** Origin of the authority, without a trailing slash. */
  readonly url: string;
  /** Where its administrator acts: `<url>/control`. */
  readonly controlUrl: string;
  readonly tenantId: string;
  /** Tokens handed out since the start. */
  readonly tokensIssued: number;
  /** Token requests since the start, or since they were forgotten. */
  requests(): RequestCounts;
  /** Makes a resource (an origin) known to the tenant; a scope for any other is refused (500011). */
  registerResource(origin: string): void;
  /** Checks a token as the resource with this origin would. */
  validate(token: string, resourceOrigin: string): TokenVerdict;
  revokeAll(): void;
  /** The application's secrets from now on, instead of those that it had. */
  setSecrets(secrets: readonly ClientSecret[]): void;
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
  const counter = createRequestCounter();
  let clientSecrets: readonly ClientSecret[] = [{ value: options.clientSecret }];
  let fault: EntraFault = { mode: 'none' };

  function answerTokenRequest(
    request: TokenRequest,
    correlationId: string | undefined,
  ): { answer: Answer; outcome: string } {
    try {
      if (fault.mode === 'unavailable') {
        throw new EntraError(
          503,
          'temporarily_unavailable',
          90033,
          'A transient error has occurred. Please try again.',
        );
      }
      if (fault.mode === 'refused') throw secretExpired(options.clientId);
      const { tenantId, clientId } = options;
      const directory = { tenantId, clientId, clientSecrets, resources };
      const resource = checkTokenRequest(request, directory, now());
      const answer = {
        status: 200,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'cache-control': 'no-store, no-cache',
        },
        body: JSON.stringify({
          token_type: 'Bearer',
          expires_in: lifetimeSeconds,
          ext_expires_in: lifetimeSeconds,
          access_token: tokens.issue(resource, clientId, lifetimeSeconds),
        }),
      };
      return { answer, outcome: 'issued' };
    } catch (error) {
      if (!(error instanceof EntraError)) throw error;
      const answer = errorAnswer(error, {
        traceId: randomGuid(random),
        correlationId: correlationId ?? randomGuid(random),
        nowMs: now(),
      });
      const outcome = `AADSTS${error.code}`;
      if (fault.mode !== 'unavailable' || fault.retryAfterSeconds === undefined) {
        return { answer, outcome };
      }
      const retryAfter = { 'retry-after': String(fault.retryAfterSeconds) };
      return { answer: { ...answer, headers: { ...answer.headers, ...retryAfter } }, outcome };
    }
  }

  const app = Fastify({ forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  app.route<{ Params: { tenant: string } }>({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/:tenant/oauth2/v2.0/token',
    handler: async (request, reply) => {
      const { mode, latencyMs } = fault;
      if (latencyMs) await sleep(latencyMs);
      const answer = () =>
        answerTokenRequest(
          {
            method: request.method,
            tenant: request.params.tenant,
            contentType: request.headers['content-type'],
            body: typeof request.body === 'string' ? request.body : '',
          },
          request.headers['client-request-id']?.toString(),
        );
      if (mode === 'none' || mode === 'unavailable' || mode === 'refused') {
        const answered = answer();
        counter.count(answered.outcome);
        return sendAnswer(reply, answered.answer);
      }
      counter.count(mode);
      return failLine(mode, reply, async () => answer().answer);
    },
  });
  const setFault = (next: EntraFault) => {
    fault = next;
  };
  const setSecrets = (next: readonly ClientSecret[]) => {
    clientSecrets = next;
  };
  const revokeAll = () => tokens.revokeAll();
  serveControlApi(app, { counter, setFault, setSecrets, revokeAll });

  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('No TCP address');

  const url = `http://127.0.0.1:${address.port}`;

  return {
    url,
    controlUrl: `${url}${CONTROL_PATH}`,
    tenantId: options.tenantId,
    get tokensIssued() {
      return tokens.issued;
    },
    requests: () => counter.counts(),
    registerResource(origin) {
      resources.add(origin);
    },
    validate: (token, resourceOrigin) => tokens.validate(token, resourceOrigin),
    revokeAll,
    setSecrets,
    setFault,
    clearFault: () => setFault({ mode: 'none' }),
    close: () => app.close(),
  };
}
