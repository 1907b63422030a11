import { DataverseError, errorCodes, recordNotFound } from '../errors.ts';
import {
  actorOf,
  allowQuery,
  bodyColumns,
  checkIfMatch,
  contactKey,
  contactPath,
  type Operation,
} from '../operation.ts';
import { requireAccess, requirePrivilege } from '../privileges.ts';
import { rowAnswer } from '../query/representation.ts';

/**
 * `PATCH contacts(<guid>)`: an upsert, unless `If-Match` forbids to create or `If-None-Match: *`
 * forbids to update (perform-conditional-operations-using-web-api.md).
 */
export const updateContact: Operation = {
  name: 'UpdateContact',
  method: 'PATCH',
  path: contactPath,
  handle(request, organization) {
    allowQuery(request, 'tag', '$select');
    const id = contactKey(request);
    const { contacts, contactTable } = organization;
    const { table } = contactTable;
    const values = bodyColumns(request, table);
    const actor = actorOf(request, organization);
    requirePrivilege(organization, 'write');
    const contact = contacts.find(id);
    if (!contact) {
      if (request.headers['if-match'] !== undefined) throw recordNotFound('contact', id);
      requirePrivilege(organization, 'create');
      const created = contacts.create({ ...values, contactid: id }, actor);
      return rowAnswer(request, organization, { row: created, table, status: 201 });
    }
    if (request.headers['if-none-match'] === '*') {
      throw new DataverseError(
        412,
        errorCodes.duplicateRecord,
        'A record with matching key values already exists.',
      );
    }
    requireAccess(organization, 'write', contact);
    checkIfMatch(request, contact);
    const row = contacts.update(id, values, actor);
    return rowAnswer(request, organization, { row, table, status: 200 });
  },
};
