import type { ServerResponse } from 'node:http';
import Fastify, { type FastifyRequest } from 'fastify';
import * as z from 'zod';
import { action } from './actions.ts';
import type { LiveFeed } from './live-feed.ts';
import { pageFiles, type PageFile } from './page-files.ts';
import { refusalOf } from './request-guard.ts';
import type { Action } from './view.ts';

export interface ConsoleServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  close(): Promise<void>;
}

export interface ConsoleServerOptions {
  /** Sent as server-sent events of these names. */
  readonly feeds: Readonly<Record<string, LiveFeed>>;
  /** Where the card of the connection asks, with the token that its page is not given. */
  readonly api: { readonly url: string; readonly token: string };
  /** Does it, or says why not. */
  act(asked: Action): Promise<string | undefined>;
}

/** Of an action: a person's name and address. */
const MAX_BODY_BYTES = 16_384;
/** The gateway's own limit is 30 s. */
const API_TIMEOUT_MS = 35_000;

/** Nothing is loaded from elsewhere or sent there, and no page may frame this one. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/**
 * Serves the page, `GET /live` (server-sent events), `POST /actions`, and the two routes of the API that the
 * card of the connection asks, on loopback. Errors are `{"error":{"message":…}}` with a 4xx status.
 */
export async function serveConsole(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const app = Fastify({ forceCloseConnections: true, bodyLimit: MAX_BODY_BYTES });
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined;
  let port = 0;

  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(HEADERS);
    const { host, origin, 'content-type': contentType } = request.headers;
    const refusal = refusalOf({ method: request.method, host, origin, contentType }, port);
    if (refusal !== undefined) {
      return reply.code(403).send({ error: { message: refusal } });
    }
  });

  for (const path of ['/', '/console.js', '/console.css']) {
    app.get(path, async (_request, reply) => {
      // When somebody looks, not when the stack starts: most starts are nobody's to watch.
      files ??= pageFiles();
      const file = (await files).get(path);
      return reply.type(file?.type ?? 'text/plain').send(file?.body ?? '');
    });
  }

  app.get('/live', (request, reply) => {
    reply.hijack();
    follow(request, reply.raw, options.feeds);
  });

  app.post('/actions', async (request, reply) => {
    const asked = action.safeParse(request.body);
    if (!asked.success) {
      return reply.code(400).send({ error: { message: z.prettifyError(asked.error) } });
    }
    const refusal = await options.act(asked.data);
    return refusal === undefined
      ? reply.code(204).send()
      : reply.code(409).send({ error: { message: refusal } });
  });

  app.get('/api/dynamics/status', async (_request, reply) => {
    const { status, body } = await askApi(options.api, 'GET', 'status');
    return reply.code(status).type('application/json').send(body);
  });
  app.post('/api/dynamics/test', async (_request, reply) => {
    const { status, body } = await askApi(options.api, 'POST', 'test');
    return reply.code(status).type('application/json').send(body);
  });

  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  port = Number(new URL(url).port);
  return { url, close: () => app.close() };
}

function follow(
  request: FastifyRequest,
  response: ServerResponse,
  feeds: Readonly<Record<string, LiveFeed>>,
): void {
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
  const listening = Object.entries(feeds).map(([name, feed]) =>
    feed.listen((data) => response.write(`event: ${name}\ndata: ${data}\n\n`)),
  );
  request.raw.on('close', () => {
    for (const listener of listening) listener[Symbol.dispose]();
  });
}

async function askApi(
  { url, token }: ConsoleServerOptions['api'],
  method: string,
  path: string,
): Promise<{ status: number; body: string }> {
  const response = await fetch(`${url}/api/dynamics/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(API_TIMEOUT_MS),
  });
  return { status: response.status, body: await response.text() };
}
