import { entityOf, etagOf } from '../entity.ts';
import { odataHeaders, recordNotFound } from '../errors.ts';
import {
  allowQuery,
  contactKey,
  contactPath,
  jsonAnswer,
  type Operation,
  selectedColumns,
} from '../operation.ts';
import { requireAccess, requirePrivilege } from '../privileges.ts';

/** `GET contacts(<guid>)`; 304 if `If-None-Match` names the current ETag. */
export const retrieveContact: Operation = {
  name: 'RetrieveContact',
  method: 'GET',
  path: contactPath,
  handle(request, organization) {
    allowQuery(request, '$select');
    const id = contactKey(request);
    const { table } = organization.contactTable;
    const columns = selectedColumns(request, table);
    requirePrivilege(organization, 'read');
    const contact = organization.contacts.find(id);
    if (!contact) throw recordNotFound('contact', id);
    requireAccess(organization, 'read', contact);
    if (request.headers['if-none-match'] === etagOf(contact)) {
      return { status: 304, headers: odataHeaders };
    }
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#contacts(${columns.join(',')})/$entity`,
      ...entityOf(contact, table, columns),
    });
  },
};
