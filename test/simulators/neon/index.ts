import fastify, { type FastifyError } from 'fastify';
import { tooLarge } from './errors.ts';
import { FaultSwitch, type NeonFault } from './faults.ts';
import { createConnectionPools } from './pools.ts';
import { answerSql } from './sql-endpoint.ts';
import { createWebSocketProxy } from './web-socket-proxy.ts';

export type { NeonFault } from './faults.ts';

export interface NeonSimulatorOptions {
  /** A free one if left out. */
  readonly port?: number;
  /** `postgres://host:port`: the server behind. Users and passwords are its own; those in the URL are not used. */
  readonly upstream: string;
  /** Largest request, and most rows of an answer, over HTTP; Neon's own limit if left out. */
  readonly maxBytes?: number;
}

export interface NeonSimulator {
  /** For `neonConfig.fetchEndpoint`. */
  readonly url: string;
  /** For `neonConfig.wsProxy`, with `neonConfig.useSecureWebSocket = false`. */
  readonly webSocketProxy: string;
  /** Switches a fault on for the next `times` requests and WebSocket connections (default: until it is changed). */
  setFault(fault: NeonFault, times?: number): void;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const WEB_SOCKET_PATH = '/v2';

/** Neon's limit for a request and an answer over HTTP (documentation of the serverless driver). */
const MAX_BYTES = 64 * 1024 * 1024;

/** Starts Neon's proxy, HTTP and WebSocket, in front of an ordinary PostgreSQL server. */
export async function startNeonSimulator(options: NeonSimulatorOptions): Promise<NeonSimulator> {
  const upstream = new URL(options.upstream);
  const pools = createConnectionPools(upstream);
  const faults = new FaultSwitch();
  const webSockets = createWebSocketProxy(upstream, faults);

  const maxBytes = options.maxBytes ?? MAX_BYTES;
  const app = fastify({ bodyLimit: maxBytes, forceCloseConnections: true });
  app.setErrorHandler(async (error: FastifyError, _request, reply) => {
    if (error.code !== 'FST_ERR_CTP_BODY_TOO_LARGE') throw error;
    const refusal = tooLarge('request', maxBytes);
    return reply.code(refusal.status).send(refusal.toBody());
  });
  // The driver names no content type.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.post('/sql', (request, reply) => answerSql(request, reply, pools, faults, maxBytes));
  app.server.on('upgrade', (request, socket, head) => {
    const { pathname } = new URL(request.url ?? '/', 'http://proxy');
    if (pathname === WEB_SOCKET_PATH) webSockets.upgrade(request, socket, head);
    else socket.destroy();
  });
  const url = await app.listen({ host: HOST, port: options.port ?? 0 });

  return {
    url: `${url}/sql`,
    webSocketProxy: `${new URL(url).host}${WEB_SOCKET_PATH}`,
    setFault(fault, times = Infinity) {
      faults.set(fault, times);
    },
    async close() {
      await webSockets.close();
      await app.close();
      await pools.close();
    },
  };
}
