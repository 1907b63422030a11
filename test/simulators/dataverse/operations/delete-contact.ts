import { recordNotFound } from '../errors.ts';
import {
  actorOf,
  allowQuery,
  checkIfMatch,
  contactKey,
  contactPath,
  doneAnswer,
  type Operation,
} from '../operation.ts';
import { requireAccess, requirePrivilege } from '../privileges.ts';

/** `DELETE contacts(<guid>)`: into the recycle bin. */
export const deleteContact: Operation = {
  name: 'DeleteContact',
  method: 'DELETE',
  path: contactPath,
  handle(request, organization) {
    allowQuery(request, 'tag');
    const id = contactKey(request);
    requirePrivilege(organization, 'delete');
    const contact = organization.contacts.find(id);
    if (!contact) throw recordNotFound('contact', id);
    requireAccess(organization, 'delete', contact);
    checkIfMatch(request, contact);
    organization.contacts.delete(id, actorOf(request, organization));
    return doneAnswer;
  },
};
