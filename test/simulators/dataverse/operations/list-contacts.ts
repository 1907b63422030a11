import { allowQuery, contactSetPath, type Operation } from '../operation.ts';
import { hasAccess, requirePrivilege } from '../privileges.ts';
import { listRows } from '../query/list-rows.ts';
import { preferenceOf, readSkipToken } from '../query/page.ts';
import { readTracked } from '../tracking/read-tracked.ts';

/** `GET contacts`; rows that the user may not read are left out without a word. */
export const listContacts: Operation = {
  name: 'ListContacts',
  method: 'GET',
  path: contactSetPath,
  handle(request, organization) {
    if (
      request.query.has('$deltatoken') ||
      preferenceOf(request, 'odata.track-changes') !== undefined ||
      readSkipToken(request)?.trackedFrom !== undefined
    ) {
      const refusedLater = ['$filter', '$orderby', '$expand', '$top'];
      allowQuery(request, '$select', '$deltatoken', '$skiptoken', ...refusedLater);
      return readTracked(request, organization);
    }
    requirePrivilege(organization, 'read');
    return listRows(request, organization, {
      table: organization.contactTable.table,
      all: () => organization.contacts.all().filter((row) => hasAccess(organization, 'read', row)),
    });
  },
};
