import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseConnectionString } from './connection-string.ts';
import { computeUnreachable, NeonError } from './errors.ts';
import type { FaultSwitch } from './faults.ts';
import { parsePayload } from './payload.ts';
import { type ConnectionPools, recycle } from './pools.ts';
import { runStatement, runTransaction } from './statements.ts';
import { resetConnection } from '../reset-connection.ts';

/**
 * `POST /sql`, as Neon's proxy answers it (neondatabase/neon, `proxy/src/serverless/sql_over_http.rs`):
 * 200 with the result, or an error with all fields of PostgreSQL's. When the caller hangs up, the
 * statement is cancelled.
 */
export async function answerSql(
  request: FastifyRequest,
  reply: FastifyReply,
  pools: ConnectionPools,
  faults: FaultSwitch,
  maxBytes: number,
): Promise<FastifyReply> {
  const fault = faults.take();
  if (fault === 'hang') return reply.hijack();
  if (fault === 'refuse') return reset(reply);
  if (typeof fault === 'object') await delay(fault.delayMs);
  try {
    if (fault === 'unavailable') throw computeUnreachable();
    const result = await execute(request, reply, pools, maxBytes);
    if (fault === 'reset-after-commit') return reset(reply);
    return reply.header('access-control-allow-origin', '*').send(result);
  } catch (error) {
    if (!(error instanceof NeonError)) throw error;
    return reply.code(error.status).send(error.toBody());
  }
}

async function execute(
  request: FastifyRequest,
  reply: FastifyReply,
  pools: ConnectionPools,
  maxBytes: number,
) {
  const { headers, body } = request;
  // Neon converts values to JSON without this header. The driver always sends it and converts by itself.
  if (headers['neon-raw-text-output'] !== 'true') {
    throw new NeonError(
      400,
      'this simulator gives raw text only: Neon-Raw-Text-Output must be true',
    );
  }
  const connectionString = headers['neon-connection-string'];
  const credentials = parseConnectionString(connectionString?.toString());
  const payload = parsePayload(typeof body === 'string' ? body : '');
  const client = await pools.connect(credentials);
  let cancelling: Promise<void> | undefined;
  const cancel = () => {
    cancelling = pools.cancel(credentials, client).catch(() => {});
  };
  reply.raw.once('close', cancel);
  try {
    return 'queries' in payload
      ? await runTransaction(client, payload.queries, { headers, maxBytes })
      : await runStatement(client, payload, { headers, maxBytes });
  } finally {
    reply.raw.off('close', cancel);
    // Not before the cancellation has hit, or it would hit the next user of the connection.
    void (cancelling ?? Promise.resolve()).then(() => recycle(client));
  }
}

function reset(reply: FastifyReply): FastifyReply {
  reply.hijack();
  resetConnection(reply.raw.socket);
  return reply;
}
