import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import type { FaultSwitch } from './faults.ts';

export interface WebSocketProxy {
  /** Handles the upgrade of a connection on the proxy's path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Takes leave of every client, and of those that do not answer after a while without their leave. */
  close(): Promise<void>;
}

/** A client on the same machine that answers at all has done so by then. */
const CLOSE_TIMEOUT_MS = 1000;

/**
 * The WebSocket end of Neon's proxy: the bytes of PostgreSQL's own protocol, both ways. It leads to
 * `upstream` and nowhere else, whatever `?address=` says.
 */
export function createWebSocketProxy(upstream: URL, faults: FaultSwitch): WebSocketProxy {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const held = new Set<Duplex>();

  async function open(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const fault = faults.take();
    if (fault === 'refuse' || fault === 'unavailable') {
      socket.destroy();
      return;
    }
    held.add(socket);
    socket.once('close', () => held.delete(socket));
    // A client that gives up resets the connection.
    socket.on('error', () => {});
    if (fault === 'hang') return;
    if (typeof fault === 'object') await delay(fault.delayMs);
    server.handleUpgrade(request, socket, head, (webSocket) => relay(webSocket, upstream));
  }

  return {
    upgrade(request, socket, head) {
      void open(request, socket, head);
    },
    async close() {
      await Promise.all([...server.clients].map(takeLeave));
      for (const socket of held) socket.destroy();
      server.close();
    },
  };
}

async function takeLeave(webSocket: WebSocket): Promise<void> {
  const impatience = setTimeout(() => webSocket.terminate(), CLOSE_TIMEOUT_MS);
  // Whatever goes wrong on the way, this comes.
  const closed = new Promise<void>((resolve) => webSocket.once('close', () => resolve()));
  webSocket.close();
  await closed;
  clearTimeout(impatience);
}

/** Whichever end goes, the other one is closed in its own way: no client takes that for a lost connection. */
function relay(webSocket: WebSocket, upstream: URL): void {
  const near = createWebSocketStream(webSocket);
  const far = connect({ host: upstream.hostname, port: Number(upstream.port), noDelay: true });
  near.pipe(far).pipe(near);
  far.on('error', () => near.end());
  near.on('error', () => far.destroy());
  near.on('close', () => far.destroy());
}
