import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { readColumns } from '../columns.ts';
import type { Contact } from '../contacts.ts';
import { recordNotFound } from '../errors.ts';
import type { Organization } from '../organization.ts';
import { contactIdIn, readBody } from './input.ts';

interface ById {
  Params: { id: string };
}

const body = z.record(z.string(), z.unknown());

/** What a user of Dynamics does to contacts. */
export function contactRoutes(app: FastifyInstance, organization: Organization): void {
  const { contacts, columns } = organization;
  const user = { userId: organization.humanUserId };

  app.get('/contacts', async () => ({
    contacts: contacts.all().map(view),
    recycleBin: contacts.deleted().map(view),
  }));

  app.post('/contacts', async (request, reply) => {
    const values = readColumns(readBody(request, body), columns, 'user');
    const contact = contacts.create(values, user);
    return reply.code(201).send({ contactid: contact.id });
  });

  app.get<ById>('/contacts/:id', async (request) => {
    const id = contactIdIn(request);
    const contact = contacts.find(id);
    if (!contact) throw recordNotFound('contact', id);
    return view(contact);
  });

  app.patch<ById>('/contacts/:id', async (request) => {
    const values = readColumns(readBody(request, body), columns, 'user');
    return view(contacts.update(contactIdIn(request), values, user));
  });

  app.delete<ById>('/contacts/:id', async (request, reply) => {
    contacts.delete(contactIdIn(request), user);
    return reply.code(204).send();
  });

  app.post<ById>('/contacts/:id/restore', async (request) =>
    view(contacts.restore(contactIdIn(request), user)),
  );
}

/** All columns; `versionnumber` as a decimal string, for readers without 64-bit integers. */
function view(contact: Contact): object {
  return { ...contact.values, versionnumber: contact.version.toString() };
}
