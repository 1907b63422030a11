import {
  actorOf,
  allowQuery,
  bodyColumns,
  contactSetPath,
  type Operation,
  writtenAnswer,
} from '../operation.ts';

/** `POST contacts` */
export const createContact: Operation = {
  name: 'CreateContact',
  method: 'POST',
  path: contactSetPath,
  handle(request, organization) {
    allowQuery(request, 'tag');
    const values = bodyColumns(request, organization);
    const contact = organization.contacts.create(values, actorOf(request, organization));
    return writtenAnswer(organization, contact.id);
  },
};
