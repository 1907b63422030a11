import type { FastifyError, FastifyInstance } from 'fastify';
import { DataverseError } from '../errors.ts';
import type { FaultSwitch } from '../faults.ts';
import type { HeldWrites } from '../held-writes.ts';
import type { Organization } from '../organization.ts';
import type { createRequestCounter } from '../request-counts.ts';
import type { Deliveries } from '../webhook/deliveries.ts';
import { contactRoutes } from './contacts.ts';
import { faultRoutes } from './faults.ts';
import { ControlError } from './input.ts';
import { organizationRoutes, type OrganizationControl } from './organization.ts';
import { webhookRoutes } from './webhooks.ts';

export const CONTROL_PATH = '/control';

/**
 * The control API: acts as a user of Dynamics and as bad weather. It needs no token and is never hit
 * by faults. Errors are `{"error":{"message":…}}` with a 4xx status.
 */
export function serveControlApi(
  app: FastifyInstance,
  options: {
    organization: Organization;
    deliveries: Deliveries;
    counter: ReturnType<typeof createRequestCounter>;
    heldWrites: HeldWrites;
    faultSwitch: FaultSwitch;
    organizationControl: OrganizationControl;
  },
): void {
  void app.register(
    async (control) => {
      control.setNotFoundHandler(async (request, reply) =>
        reply
          .code(404)
          .send({ error: { message: `There is no route ${request.method} ${request.url}.` } }),
      );
      control.setErrorHandler(async (error: FastifyError | ControlError, _request, reply) =>
        reply.code(statusOf(error)).send({ error: { message: error.message } }),
      );
      contactRoutes(control, options.organization);
      webhookRoutes(control, options.deliveries, options.organization.systemRows);
      faultRoutes(control, options);
      organizationRoutes(control, options.organizationControl);
    },
    { prefix: CONTROL_PATH },
  );
}

function statusOf(error: FastifyError | ControlError): number {
  if (error instanceof ControlError || error instanceof DataverseError) return error.status;
  return 'statusCode' in error ? (error.statusCode ?? 500) : 500;
}
