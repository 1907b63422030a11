import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import {
  type Encode,
  type RestAnswer,
  runPipeline,
  runSingle,
  runTransaction,
} from './rest-protocol.ts';
import type { Backend } from './backend.ts';
import { createMemoryBackend } from './memory-backend.ts';
import { Store } from './store.ts';
import { resetConnection } from '../reset-connection.ts';

/**
 * How the service misbehaves; nothing is carried out in any of them.
 * - `hang`: takes the request and never answers.
 * - `refuse`: resets the connection.
 * - `error`: answers 500.
 * - `garbage`: answers 200 with something that is not JSON.
 */
export type UpstashFault = 'none' | 'hang' | 'refuse' | 'error' | 'garbage';

export interface UpstashSimulatorOptions {
  /** A free one if left out. */
  readonly port?: number;
  /** The bearer token that callers have to show. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Who carries the commands out; the simulator's own store if left out. */
  readonly backend?: Backend;
}

export interface UpstashSimulator {
  /** For `UPSTASH_REDIS_REST_URL`. */
  readonly url: string;
  /** The keys in the simulator's own store that have not expired. */
  keys(): string[];
  setFault(fault: UpstashFault): void;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

type Operation = (body: unknown, backend: Backend, encode: Encode) => Promise<RestAnswer>;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  '/': runSingle,
  '/pipeline': runPipeline,
  '/multi-exec': runTransaction,
};

/** Starts a Redis that is spoken to as Upstash's is, over HTTP (upstash.com/docs/redis/features/restapi). */
export async function startUpstashSimulator(
  options: UpstashSimulatorOptions,
): Promise<UpstashSimulator> {
  const store = new Store(options.now ?? Date.now);
  const backend = options.backend ?? createMemoryBackend(store);
  let fault: UpstashFault = 'none';

  const app = fastify({ forceCloseConnections: true });
  app.addHook('onRequest', async (request, reply) => {
    if (fault !== 'none') return misbehave(fault, reply);
    if (request.headers.authorization === `Bearer ${options.token}`) return undefined;
    return reply.code(401).send({ error: 'WRONGPASS invalid or missing auth token' });
  });
  // JSON, whatever the content type says; what is no JSON is refused as a command.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) =>
    done(null, parseJson(body.toString())),
  );
  for (const [path, operation] of Object.entries(OPERATIONS)) {
    app.post(path, async (request, reply) => {
      const { status, body } = await operation(request.body, backend, encoding(request));
      return reply.code(status).send(body);
    });
  }
  const url = await app.listen({ host: HOST, port: options.port ?? 0 });

  return {
    url,
    keys: () => store.keys(),
    setFault(next) {
      fault = next;
    },
    close: () => app.close(),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function encoding(request: FastifyRequest): Encode {
  return request.headers['upstash-encoding'] === 'base64'
    ? (text) => Buffer.from(text).toString('base64')
    : (text) => text;
}

function misbehave(fault: Exclude<UpstashFault, 'none'>, reply: FastifyReply): FastifyReply {
  switch (fault) {
    case 'hang':
      return reply.hijack();
    case 'refuse':
      reply.hijack();
      resetConnection(reply.raw.socket);
      return reply;
    case 'error':
      return reply.code(500).send({ error: 'ERR internal error' });
    case 'garbage':
      return reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    default:
      return fault satisfies never;
  }
}
