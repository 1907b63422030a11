import Fastify, { type FastifyError, type FastifyReply } from 'fastify';
import * as z from 'zod';
import { ControlError, readBody } from '../../../test/simulators/dataverse/control/input.ts';
import type { NeonSimulator } from '../../../test/simulators/neon/index.ts';
import type { UpstashSimulator } from '../../../test/simulators/upstash/index.ts';
import type { RestartableServer } from '../postgres/restartable-server.ts';

/** The systems that can be made to fail; those that are replaced by real ones are not among them. */
export interface Breakable {
  readonly redis?: UpstashSimulator;
  readonly neon?: NeonSimulator;
  readonly postgres?: RestartableServer;
}

export interface FaultControl {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  close(): Promise<void>;
}

/** Longer than any time limit of a statement. */
const MAX_DELAY_MS = 600_000;

const redisFault = z.strictObject({
  mode: z.enum(['none', 'hang', 'refuse', 'error', 'garbage']),
});
const times = z.int().min(1).exactOptional();
const neonFault = z.union([
  z.strictObject({
    mode: z.enum(['none', 'hang', 'refuse', 'unavailable', 'reset-after-commit']),
    times,
  }),
  z.strictObject({ mode: z.literal('delay'), delayMs: z.int().min(0).max(MAX_DELAY_MS), times }),
]);

/**
 * Serves the switches of Redis, of Neon's proxy and of the PostgreSQL server behind it, on loopback,
 * without a token: what `PUT /control/faults` is for the simulated Dynamics. Errors are
 * `{"error":{"message":…}}` with a 4xx status.
 */
export async function serveFaultControl(systems: Breakable): Promise<FaultControl> {
  const app = Fastify({ forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.setErrorHandler(async (error: FastifyError | ControlError, _request, reply) => {
    const status = error instanceof ControlError ? error.status : (error.statusCode ?? 500);
    return reply.code(status).send({ error: { message: error.message } });
  });
  const done = (reply: FastifyReply): FastifyReply => reply.code(204).send();

  app.put('/redis', async (request, reply) => {
    const { mode } = readBody(request, redisFault);
    simulated(systems.redis, 'Redis').setFault(mode);
    return done(reply);
  });

  app.put('/neon', async (request, reply) => {
    const fault = readBody(request, neonFault);
    const wanted = fault.mode === 'delay' ? { delayMs: fault.delayMs } : fault.mode;
    simulated(systems.neon, 'Neon').setFault(wanted, fault.times);
    return done(reply);
  });

  app.get('/postgres', async () => ({
    running: simulated(systems.postgres, 'PostgreSQL').running,
  }));
  app.post('/postgres/crash', async (_request, reply) => {
    await simulated(systems.postgres, 'PostgreSQL').crash();
    return done(reply);
  });
  app.post('/postgres/start', async (_request, reply) => {
    await simulated(systems.postgres, 'PostgreSQL').start();
    return done(reply);
  });

  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, close: () => app.close() };
}

function simulated<T>(system: T | undefined, name: string): T {
  if (system !== undefined) return system;
  throw new ControlError(404, `${name} is not the local stack's own: it cannot be made to fail.`);
}
