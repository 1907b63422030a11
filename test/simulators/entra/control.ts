import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { ClientSecret } from './client-secrets.ts';
import type { EntraFault } from './index.ts';
import type { createRequestCounter } from './request-counts.ts';

export const CONTROL_PATH = '/control';

/** Longer than any time-out of a client. */
const MAX_LATENCY_MS = 600_000;

const fault = z.strictObject({
  mode: z.enum(['none', 'unavailable', 'refused', 'hang', 'reset', 'html', 'half']).default('none'),
  latencyMs: z.int().min(0).max(MAX_LATENCY_MS).exactOptional(),
  retryAfterSeconds: z.int().min(0).exactOptional(),
});

const secrets = z.strictObject({
  secrets: z.array(
    z.strictObject({ value: z.string().min(1), expiresAt: z.iso.datetime().exactOptional() }),
  ),
});

/**
 * The control API: acts as the tenant's administrator and as bad weather. It needs no token and is
 * never hit by faults. Errors are `{"error":{"message":…}}` with a 4xx status.
 */
export function serveControlApi(
  app: FastifyInstance,
  options: {
    counter: ReturnType<typeof createRequestCounter>;
    setFault: (fault: EntraFault) => void;
    setSecrets: (secrets: readonly ClientSecret[]) => void;
    revokeAll: () => void;
  },
): void {
  const { counter, setFault, setSecrets, revokeAll } = options;

  void app.register(
    async (control) => {
      control.setErrorHandler(async (error, _request, reply) => {
        if (!(error instanceof z.ZodError)) throw error;
        return reply.code(400).send({ error: { message: z.prettifyError(error) } });
      });
      control.put('/faults', async (request, reply) => {
        setFault(readBody(request, fault));
        return reply.code(204).send();
      });
      control.delete('/faults', async (_request, reply) => {
        setFault({ mode: 'none' });
        return reply.code(204).send();
      });
      control.put('/secrets', async (request, reply) => {
        const body = readBody(request, secrets);
        setSecrets(
          body.secrets.map(({ value, expiresAt }) => ({
            value,
            ...(expiresAt === undefined ? {} : { expiresAtMs: Date.parse(expiresAt) }),
          })),
        );
        return reply.code(204).send();
      });
      control.post('/tokens/revoke', async (_request, reply) => {
        revokeAll();
        return reply.code(204).send();
      });
      control.get('/requests', async () => counter.counts());
      control.delete('/requests', async (_request, reply) => {
        counter.reset();
        return reply.code(204).send();
      });
    },
    { prefix: CONTROL_PATH },
  );
}

const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('The body is not JSON.');
    return z.NEVER;
  }
});

function readBody<T>(request: FastifyRequest, schema: z.ZodType<T>): T {
  return json.pipe(schema).parse(request.body);
}
