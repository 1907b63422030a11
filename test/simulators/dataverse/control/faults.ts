import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { FaultSwitch } from '../faults.ts';
import type { HeldWrites } from '../held-writes.ts';
import type { createRequestCounter } from '../request-counts.ts';
import { readBody } from './input.ts';

/** Longer than any time-out of a client. */
const MAX_LATENCY_MS = 600_000;

const fault = z.strictObject({
  mode: z
    .enum([
      'none',
      'unauthorized',
      'throttled',
      'unavailable',
      'forbidden',
      'not-a-member',
      'hang',
      'reset',
      'html',
      'half',
      'apply-late',
    ])
    .default('none'),
  line: z.enum(['hang', 'reset']).exactOptional(),
  latencyMs: z.int().min(0).max(MAX_LATENCY_MS).exactOptional(),
  retryAfterSeconds: z.int().min(0).exactOptional(),
  paths: z.array(z.string().min(1)).min(1).exactOptional(),
  probability: z.number().min(0).max(1).exactOptional(),
});

const DEFAULT_SEED = 1;
const seed = z.int().default(DEFAULT_SEED);

/** One fault with its seed, or several that exclude each other. */
const faults = z.union([
  z.strictObject({ seed, faults: z.array(fault).min(1) }),
  fault.extend({ seed }).transform(({ seed: its, ...one }) => ({ seed: its, faults: [one] })),
]);

/**
 * Switches the faults of the Web API, and shows what it was asked. A fault that ends leaves the writes
 * that it holds (`apply-late`) where they are: `POST faults/release` applies them.
 */
export function faultRoutes(
  app: FastifyInstance,
  options: {
    faultSwitch: FaultSwitch;
    counter: ReturnType<typeof createRequestCounter>;
    heldWrites: HeldWrites;
  },
): void {
  const { faultSwitch, counter, heldWrites } = options;

  app.get('/faults', async () => ({ ...faultSwitch.current(), met: faultSwitch.met() }));
  app.put('/faults', async (request, reply) => {
    faultSwitch.set(readBody(request, faults));
    return reply.code(204).send();
  });
  app.delete('/faults', async (_request, reply) => {
    faultSwitch.clear();
    return reply.code(204).send();
  });

  app.get('/faults/held', async () => ({ writes: heldWrites.count() }));
  app.post('/faults/release', async () => heldWrites.release());

  app.get('/requests', async () => counter.counts());
  app.delete('/requests', async (_request, reply) => {
    counter.reset();
    return reply.code(204).send();
  });
}
