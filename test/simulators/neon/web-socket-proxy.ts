import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import type { FaultSwitch } from './faults.ts';

export interface WebSocketProxy {
  /** Handles the upgrade of a connection on the proxy's path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

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
    server.handleUpgrade(request, socket, head, (webSocket) => void relay(webSocket, upstream));
  }

  return {
    upgrade(request, socket, head) {
      void open(request, socket, head);
    },
    close() {
      for (const socket of held) socket.destroy();
      server.close();
    },
  };
}

async function relay(webSocket: WebSocket, upstream: URL): Promise<void> {
  const near = createWebSocketStream(webSocket);
  const far = connect({ host: upstream.hostname, port: Number(upstream.port), noDelay: true });
  try {
    await pipeline(near, far, near);
  } catch {
    // Either end may go at any time; the pipeline has closed the other one.
  }
}
