import { contactEntity, etagOf } from '../entity.ts';
import { odataHeaders, recordNotFound } from '../errors.ts';
import {
  allowQuery,
  contactKey,
  contactPath,
  jsonAnswer,
  type Operation,
  selectedColumns,
} from '../operation.ts';

/** `GET contacts(<guid>)`; 304 if `If-None-Match` names the current ETag. */
export const retrieveContact: Operation = {
  name: 'RetrieveContact',
  method: 'GET',
  path: contactPath,
  handle(request, organization) {
    allowQuery(request, '$select');
    const id = contactKey(request);
    const columns = selectedColumns(request, organization);
    const contact = organization.contacts.find(id);
    if (!contact) throw recordNotFound('contact', id);
    if (request.headers['if-none-match'] === etagOf(contact)) {
      return { status: 304, headers: odataHeaders };
    }
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#contacts(${columns.join(',')})/$entity`,
      ...contactEntity(contact, columns),
    });
  },
};
