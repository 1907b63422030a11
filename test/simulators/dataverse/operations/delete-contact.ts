import { etagOf } from '../entity.ts';
import { DataverseError, errorCodes, recordNotFound } from '../errors.ts';
import { actorOf, allowQuery, contactKey, contactPath, type Operation } from '../operation.ts';

/** `DELETE contacts(<guid>)`: into the recycle bin. */
export const deleteContact: Operation = {
  name: 'DeleteContact',
  method: 'DELETE',
  path: contactPath,
  handle(request, organization) {
    allowQuery(request, 'tag');
    const id = contactKey(request);
    const contact = organization.contacts.find(id);
    if (!contact) throw recordNotFound('contact', id);
    const ifMatch = request.headers['if-match'];
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etagOf(contact)) {
      throw new DataverseError(
        412,
        errorCodes.versionMismatch,
        "The version of the existing record doesn't match the RowVersion property provided.",
      );
    }
    organization.contacts.delete(id, actorOf(request, organization));
    return { status: 204, headers: { 'odata-version': '4.0' } };
  },
};
