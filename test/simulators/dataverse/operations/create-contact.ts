import { actorOf, allowQuery, bodyColumns, contactSetPath, type Operation } from '../operation.ts';
import { requirePrivilege } from '../privileges.ts';
import { rowAnswer } from '../query/representation.ts';

/** `POST contacts` */
export const createContact: Operation = {
  name: 'CreateContact',
  method: 'POST',
  path: contactSetPath,
  handle(request, organization) {
    allowQuery(request, 'tag', '$select');
    requirePrivilege(organization, 'create');
    const { table } = organization.contactTable;
    const values = bodyColumns(request, table);
    const row = organization.contacts.create(values, actorOf(request, organization));
    return rowAnswer(request, organization, { row, table, status: 201 });
  },
};
