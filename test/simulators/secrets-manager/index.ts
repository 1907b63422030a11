import { randomInt, randomUUID } from 'node:crypto';
import fastify, { type FastifyReply } from 'fastify';
import { SecretsManagerError } from './errors.ts';
import { OPERATIONS } from './operations/index.ts';
import { SecretStore } from './store.ts';
import { resetConnection } from '../reset-connection.ts';

/**
 * How the service misbehaves; nothing is carried out in any of them.
 * - `hang`: takes the request and never answers.
 * - `refuse`: resets the connection.
 * - `error`: answers 500, InternalServiceError.
 */
export type SecretsManagerFault = 'none' | 'hang' | 'refuse' | 'error';

export interface SecretsManagerSimulatorOptions {
  /** A free one if left out. */
  readonly port?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly region?: string;
  readonly accountId?: string;
  /** The six characters at the end of a new secret's ARN; random if left out. */
  readonly arnSuffix?: (name: string) => string;
  /** Says who may do what: whatever it answers is an `AccessDeniedException`; absent: everybody may. */
  readonly access?: (
    call: { readonly target: string; readonly body: unknown },
    authorization: string,
  ) => Promise<{ readonly message: string } | undefined>;
}

export interface SecretsManagerSimulator {
  /** For the client's `endpoint` or `AWS_ENDPOINT_URL_SECRETS_MANAGER`. */
  readonly url: string;
  /** Requests so far, those that met a fault included: of one action (`GetSecretValue`), or of all. */
  requestCount(action?: string): number;
  setFault(fault: SecretsManagerFault): void;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const TARGET_PREFIX = 'secretsmanager.';
const SUFFIX_LENGTH = 6;
const SUFFIX_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * Starts AWS Secrets Manager as its clients see it (AWS JSON 1.1; actions and errors after its API
 * reference). Requests have to be signed, but whose signature it is does not matter.
 */
export async function startSecretsManagerSimulator(
  options: SecretsManagerSimulatorOptions = {},
): Promise<SecretsManagerSimulator> {
  const store = new SecretStore({
    now: options.now ?? Date.now,
    region: options.region ?? 'us-east-1',
    accountId: options.accountId ?? '000000000000',
    arnSuffix: options.arnSuffix ?? randomSuffix,
  });
  const counts = new Map<string, number>();
  let fault: SecretsManagerFault = 'none';

  const app = fastify({ forceCloseConnections: true });
  app.addContentTypeParser(
    'application/x-amz-json-1.1',
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  );
  app.post('/', async (request, reply) => {
    const target = request.headers['x-amz-target']?.toString() ?? '';
    const action = target.slice(TARGET_PREFIX.length);
    counts.set(action, (counts.get(action) ?? 0) + 1);
    reply.header('x-amzn-requestid', randomUUID());
    if (fault !== 'none') return misbehave(fault, reply);
    try {
      if (request.headers.authorization === undefined) {
        throw new SecretsManagerError(
          'MissingAuthenticationTokenException',
          'Missing Authentication Token',
        );
      }
      const operation = OPERATIONS.get(action);
      if (operation === undefined) throw new SecretsManagerError('UnknownOperationException', '');
      const body = parse(request.body);
      const denied = await options.access?.({ target, body }, request.headers.authorization);
      if (denied !== undefined) {
        throw new SecretsManagerError('AccessDeniedException', denied.message);
      }
      return answer(reply, 200, operation(body, store));
    } catch (error) {
      if (!(error instanceof SecretsManagerError)) throw error;
      return answer(reply, error.status, { __type: error.type, Message: error.message });
    }
  });
  const url = await app.listen({ host: HOST, port: options.port ?? 0 });

  return {
    url,
    requestCount(action) {
      if (action !== undefined) return counts.get(action) ?? 0;
      return [...counts.values()].reduce((sum, count) => sum + count, 0);
    },
    setFault(next) {
      fault = next;
    },
    close: () => app.close(),
  };
}

function parse(body: unknown): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    throw new SecretsManagerError('SerializationException', 'The request body is not JSON.');
  }
}

function answer(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply.code(status).type('application/x-amz-json-1.1').send(JSON.stringify(body));
}

function misbehave(fault: Exclude<SecretsManagerFault, 'none'>, reply: FastifyReply): FastifyReply {
  switch (fault) {
    case 'hang':
      return reply.hijack();
    case 'refuse':
      reply.hijack();
      resetConnection(reply.raw.socket);
      return reply;
    case 'error':
      return answer(reply, 500, {
        __type: 'InternalServiceError',
        Message: 'An error occurred on the server side.',
      });
    default:
      return fault satisfies never;
  }
}

function randomSuffix(): string {
  let suffix = '';
  while (suffix.length < SUFFIX_LENGTH) {
    suffix += SUFFIX_CHARACTERS.charAt(randomInt(SUFFIX_CHARACTERS.length));
  }
  return suffix;
}
