import type { FastifyReply } from 'fastify';
import { resetConnection } from '../reset-connection.ts';

/** What a simulated service answers, before any fault of the line changes it. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Ways in which the line, not the service, fails.
 * - `hang`: the request is not carried out and never answered.
 * - `reset`: the request is not carried out, the connection is reset.
 * - `html`: the request is not carried out, a proxy answers 200 with a page of its own.
 * - `half`: the request IS carried out, and the connection ends in the middle of the answer.
 */
export type LineFault = 'hang' | 'reset' | 'html' | 'half';

const proxyPage =
  '<!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>';

/** Sends an answer as it is. */
export function sendAnswer(reply: FastifyReply, answer: Answer): FastifyReply {
  return reply
    .code(answer.status)
    .headers(answer.headers ?? {})
    .send(answer.body);
}

/** Lets the line fail. `carryOut` does the request's work and is called for `half` only. */
export async function failLine(
  fault: LineFault,
  reply: FastifyReply,
  carryOut: () => Promise<Answer>,
): Promise<FastifyReply> {
  switch (fault) {
    case 'hang':
      // The socket stays open until the client gives up or the simulator closes.
      return reply.hijack();
    case 'reset':
      reply.hijack();
      resetConnection(reply.raw.socket);
      return reply;
    case 'html':
      return reply.code(200).type('text/html; charset=utf-8').send(proxyPage);
    case 'half': {
      const answer = await carryOut();
      reply.hijack();
      const body = Buffer.from(answer.body ?? '');
      if (body.length < 2) {
        reply.raw.socket?.destroy();
        return reply;
      }
      reply.raw.writeHead(answer.status, {
        ...answer.headers,
        'content-length': String(body.length),
      });
      reply.raw.write(body.subarray(0, Math.floor(body.length / 2)), () => {
        reply.raw.socket?.destroy();
      });
      return reply;
    }
  }
}
