import { allowQuery, type Operation } from '../operation.ts';
import { hasAccess, requirePrivilege } from '../privileges.ts';
import { readFilter } from '../query/list-rows.ts';
import { MAX_PAGE_SIZE } from '../query/page.ts';
import { countChanges } from '../tracking/read-tracked.ts';

/** `GET contacts/$count`, of all, of what a filter finds, or of what changed since a `$deltatoken`. */
export const countContacts: Operation = {
  name: 'CountContacts',
  method: 'GET',
  path: /^contacts\/\$count$/,
  handle(request, organization) {
    allowQuery(request, '$filter', '$deltatoken');
    const token = request.query.get('$deltatoken');
    return {
      status: 200,
      headers: { 'content-type': 'text/plain', 'odata-version': '4.0' },
      body: String(token === null ? countRows() : countChanges(token, organization)),
    };

    function countRows(): number {
      requirePrivilege(organization, 'read');
      const { table } = organization.contactTable;
      const matches = readFilter(request, organization, table);
      const count = organization.contacts
        .all()
        .filter((row) => hasAccess(organization, 'read', row) && matches(row)).length;
      // Dataverse counts no further (count-rows.md).
      return Math.min(count, MAX_PAGE_SIZE);
    }
  },
};
