import {
  actorOf,
  allowQuery,
  bodyObject,
  isObject,
  jsonAnswer,
  type Operation,
} from '../operation.ts';
import { requirePrivilege } from '../privileges.ts';
import { badPayload, guidPattern } from '../tables/read-columns.ts';

const addressPattern = /contacts\(([0-9a-f-]{36})\)$/i;

/** `POST Restore` of a deleted contact, by `@odata.id` or by type and key (restore-deleted-records.md). */
export const restore: Operation = {
  name: 'Restore',
  method: 'POST',
  path: /^Restore$/,
  handle(request, organization) {
    allowQuery(request, 'tag');
    const { table } = organization.contactTable;
    const target = bodyObject(request, 'Restore')['Target'];
    const given = isObject(target) ? target : {};
    const key =
      given['@odata.type'] === 'Microsoft.Dynamics.CRM.contact'
        ? given['contactid']
        : addressPattern.exec(String(given['@odata.id']))?.[1];
    if (typeof key !== 'string' || !guidPattern.test(key)) {
      throw badPayload(table, "The parameter 'Target' does not name a contact.");
    }
    requirePrivilege(organization, 'create');
    const { id } = organization.contacts.restore(key.toLowerCase(), actorOf(request, organization));
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#Microsoft.Dynamics.CRM.RestoreResponse`,
      id,
    });
  },
};
