import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';

/** An HTTP server that only this machine reaches. */
export interface LoopbackServer {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** Takes no new connection and waits for the requests under way, at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface Answer {
  readonly statusCode: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** Another program listens on the port. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

const LOOPBACK = '127.0.0.1';

/**
 * Listens on the loopback address.
 *
 * @param port 0 takes any free port.
 * @param answer may throw: the connection is cut then.
 * @throws PortTakenError
 */
export async function listenOnLoopback(
  port: number,
  answer: (request: IncomingMessage) => Promise<Answer>,
  options: ServerOptions = {},
): Promise<LoopbackServer> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const answered = await answer(request);
      // A connection that were kept alive would hold up the closing of the server.
      if (!server.listening) response.setHeader('connection', 'close');
      response.writeHead(answered.statusCode, answered.headers).end(answered.body);
    } catch {
      // The client went away while it was sending.
      response.destroy();
    }
  };
  const server = createServer(options, (request, response) => void handle(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new PortTakenError(`port ${port} is taken by another program`) : error);
    });
    server.listen(port, LOOPBACK, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');

  return {
    url: `http://${LOOPBACK}:${address.port}`,
    async close(graceMs) {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** The whole body, or undefined if it is over the limit; the rest is read and thrown away. */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes <= maxBytes ? Buffer.concat(chunks) : undefined;
}
