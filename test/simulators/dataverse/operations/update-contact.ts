import { etagOf } from '../entity.ts';
import { DataverseError, errorCodes, recordNotFound } from '../errors.ts';
import {
  actorOf,
  allowQuery,
  bodyColumns,
  contactKey,
  contactPath,
  type Operation,
  writtenAnswer,
} from '../operation.ts';

/**
 * `PATCH contacts(<guid>)`: an upsert, unless `If-Match` forbids to create or `If-None-Match: *`
 * forbids to update (perform-conditional-operations-using-web-api.md).
 */
export const updateContact: Operation = {
  name: 'UpdateContact',
  method: 'PATCH',
  path: contactPath,
  handle(request, organization) {
    allowQuery(request, 'tag');
    const id = contactKey(request);
    const values = bodyColumns(request, organization);
    const actor = actorOf(request, organization);
    const ifMatch = request.headers['if-match'];
    const contact = organization.contacts.find(id);
    if (!contact) {
      if (ifMatch !== undefined) throw recordNotFound('contact', id);
      organization.contacts.create({ ...values, contactid: id }, actor);
      return writtenAnswer(organization, id);
    }
    if (request.headers['if-none-match'] === '*') {
      throw new DataverseError(
        412,
        errorCodes.duplicateRecord,
        'A record with matching key values already exists.',
      );
    }
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etagOf(contact)) {
      throw new DataverseError(
        412,
        errorCodes.versionMismatch,
        "The version of the existing record doesn't match the RowVersion property provided.",
      );
    }
    organization.contacts.update(id, values, actor);
    return writtenAnswer(organization, id);
  },
};
