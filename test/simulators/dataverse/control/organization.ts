import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { defaultLimits, type ServiceLimits } from '../limits/service-protection.ts';
import { allPrivileges, type Privileges } from '../privileges.ts';
import { ControlError, readBody } from './input.ts';

const depth = z.enum(['none', 'user', 'organization']);
const privileges = z.strictObject({
  create: depth.default(allPrivileges.create),
  read: depth.default(allPrivileges.read),
  write: depth.default(allPrivileges.write),
  delete: depth.default(allPrivileges.delete),
  customize: z.boolean().default(allPrivileges.customize),
});
const limits = z.strictObject({
  requests: z.int().min(1).default(defaultLimits.requests),
  executionMs: z.int().min(1).default(defaultLimits.executionMs),
  concurrentRequests: z.int().min(1).default(defaultLimits.concurrentRequests),
});
const address = z.strictObject({ found: z.boolean() });

/** What an administrator of the organisation, or of its hosting, does. */
export interface OrganizationControl {
  setPrivileges(privileges: Privileges): void;
  setLimits(limits: ServiceLimits): void;
  /** Whether the organisation is to be found at its address. */
  setFound(found: boolean): void;
  /** Refuses all delta tokens that were given out so far. */
  expireTokens(): void;
  /** Remembers the contacts and where the row versions are. */
  backUp(): string;
  /** Puts a backup back; false if there is none with this id. */
  restoreBackup(id: string): boolean;
}

/** Privileges of the application user, limits, delta tokens, backups. */
export function organizationRoutes(app: FastifyInstance, control: OrganizationControl): void {
  app.put('/privileges', async (request, reply) => {
    control.setPrivileges(readBody(request, privileges));
    return reply.code(204).send();
  });

  app.put('/limits', async (request, reply) => {
    control.setLimits(readBody(request, limits));
    return reply.code(204).send();
  });

  app.put('/organization', async (request, reply) => {
    control.setFound(readBody(request, address).found);
    return reply.code(204).send();
  });

  app.post('/change-tracking/expire', async (_request, reply) => {
    control.expireTokens();
    return reply.code(204).send();
  });

  app.post('/backups', async (_request, reply) => reply.code(201).send({ id: control.backUp() }));

  app.post<{ Params: { id: string } }>('/backups/:id/restore', async (request, reply) => {
    if (!control.restoreBackup(request.params.id)) {
      throw new ControlError(404, 'There is no such backup.');
    }
    return reply.code(204).send();
  });
}
