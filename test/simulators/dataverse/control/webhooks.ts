import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { SECURE_CONFIG_ID } from '../../../../infra/dynamics/organization/names.ts';
import type { SystemRows } from '../tables/system-rows.ts';
import type { Deliveries } from '../webhook/deliveries.ts';
import { ControlError, readBody } from './input.ts';

const target = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  secret: z.string().min(1),
  timestamp: z.boolean().default(true),
});
const settings = z.strictObject({
  shuffle: z.strictObject({ seed: z.int() }).exactOptional(),
  duplicate: z.number().min(0).max(1).exactOptional(),
  hold: z.boolean().exactOptional(),
});
const redelivery = z.strictObject({ contactid: z.guid().exactOptional() });

/** Where webhooks go and how the way there behaves. */
export function webhookRoutes(
  app: FastifyInstance,
  deliveries: Deliveries,
  systemRows: SystemRows,
): void {
  app.put('/webhook', async (request, reply) => {
    const next = readBody(request, target);
    deliveries.setTarget(next);
    // What the plug-in is given says the same.
    const configurations = systemRows.of('sdkmessageprocessingstepsecureconfigs');
    if (configurations.find(SECURE_CONFIG_ID) !== undefined) {
      const { url, secret } = next;
      configurations.update(SECURE_CONFIG_ID, { secureconfig: JSON.stringify({ url, secret }) });
    }
    return reply.code(204).send();
  });

  app.put('/delivery', async (request, reply) => {
    deliveries.configure(readBody(request, settings));
    return reply.code(204).send();
  });

  app.post('/delivery/flush', async () => ({ deliveries: await deliveries.flush() }));

  app.get('/deliveries', async () => {
    const list = deliveries.list();
    return {
      pending: list.filter(({ state }) => state === 'pending').length,
      failed: list.filter(({ state }) => state === 'failed').length,
      deliveries: list,
    };
  });

  app.get<{ Params: { id: string } }>('/deliveries/:id/body', async (request, reply) => {
    const body = deliveries.bodyOf(request.params.id);
    if (body === undefined) throw new ControlError(404, 'There is no such delivery.');
    return reply.type('application/json').send(body);
  });

  app.post('/deliveries/redeliver', async (request) => {
    const { contactid } = readBody(request, redelivery);
    const delivery = await deliveries.redeliver(contactid?.toLowerCase());
    if (!delivery) throw new ControlError(404, 'There is nothing to redeliver.');
    return delivery;
  });
}
