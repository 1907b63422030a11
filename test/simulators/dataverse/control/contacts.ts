import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Contact } from '../contacts.ts';
import { recordNotFound } from '../errors.ts';
import type { Organization } from '../organization.ts';
import { readColumns } from '../tables/read-columns.ts';
import { contactIdIn, ControlError, readBody } from './input.ts';

interface ById {
  Params: { id: string };
}

const body = z.record(z.string(), z.unknown());
const mergeInto = z.strictObject({ into: z.guid() });
const assignment = z.strictObject({ to: z.enum(['application', 'user']) });

/** What a user of Dynamics does to contacts. */
export function contactRoutes(app: FastifyInstance, organization: Organization): void {
  const { contacts, contactTable } = organization;
  const { table } = contactTable;
  const user = { userId: organization.humanUserId };

  app.get('/contacts', async () => ({
    contacts: contacts.all().map(view),
    recycleBin: contacts.deleted().map(view),
  }));

  app.post('/contacts', async (request, reply) => {
    const values = readColumns(readBody(request, body), table, 'user');
    const contact = contacts.create(values, user);
    return reply.code(201).send({ contactid: contact.id });
  });

  app.get<ById>('/contacts/:id', async (request) => {
    const id = contactIdIn(request);
    return view(contacts.find(id) ?? missing(id));
  });

  app.patch<ById>('/contacts/:id', async (request) => {
    const values = readColumns(readBody(request, body), table, 'user');
    return view(contacts.update(contactIdIn(request), values, user));
  });

  app.delete<ById>('/contacts/:id', async (request, reply) => {
    contacts.delete(contactIdIn(request), user);
    return reply.code(204).send();
  });

  app.post<ById>('/contacts/:id/restore', async (request) =>
    view(contacts.restore(contactIdIn(request), user)),
  );

  app.post<ById>('/contacts/:id/merge', async (request) => {
    const into = readBody(request, mergeInto).into.toLowerCase();
    const id = contactIdIn(request);
    if (into === id) throw new ControlError(400, 'A contact cannot be merged into itself.');
    contacts.merge(into, id, {}, user);
    return view(contacts.find(into) ?? missing(into));
  });

  app.post<ById>('/contacts/:id/assign', async (request) => {
    const { to } = readBody(request, assignment);
    const owner = to === 'user' ? organization.humanUserId : organization.applicationUserId;
    return view(contacts.update(contactIdIn(request), { _ownerid_value: owner }, user));
  });
}

function missing(id: string): never {
  throw recordNotFound('contact', id);
}

/** All columns; `versionnumber` as a decimal string, for readers without 64-bit integers. */
function view(contact: Contact): object {
  return { ...contact.values, versionnumber: contact.version.toString() };
}
