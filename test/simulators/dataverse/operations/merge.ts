import { DataverseError, errorCodes, recordNotFound } from '../errors.ts';
import {
  actorOf,
  allowQuery,
  bodyObject,
  doneAnswer,
  isObject,
  type Operation,
} from '../operation.ts';
import type { Organization } from '../organization.ts';
import { requireAccess, requirePrivilege } from '../privileges.ts';
import { badPayload, guidPattern, readColumns } from '../tables/read-columns.ts';

/** `POST Merge` (merge-entity-using-web-api.md), of contacts. */
export const merge: Operation = {
  name: 'Merge',
  method: 'POST',
  path: /^Merge$/,
  handle(request, organization) {
    allowQuery(request, 'tag');
    const { contacts, contactTable } = organization;
    const { table } = contactTable;
    const body = bodyObject(request, 'Merge');
    if (typeof body['PerformParentingChecks'] !== 'boolean') {
      throw badPayload(table, "The parameter 'PerformParentingChecks' is missing.");
    }
    const target = contactIn(body['Target'], organization);
    const subordinate = contactIn(body['Subordinate'], organization);
    if (target === subordinate) {
      throw new DataverseError(
        400,
        errorCodes.badPayload,
        'The subordinate and the target of a merge are the same record.',
      );
    }
    const content =
      body['UpdateContent'] === undefined ? {} : typed(body['UpdateContent'], organization);
    contacts.merge(
      target,
      subordinate,
      readColumns(content, table, 'web-api'),
      actorOf(request, organization),
    );
    return doneAnswer;
  },
};

/** The id of an existing contact that the user may change. */
function contactIn(value: unknown, organization: Organization): string {
  const key = typed(value, organization)['contactid'];
  if (typeof key !== 'string' || !guidPattern.test(key)) {
    throw badPayload(organization.contactTable.table, "The key 'contactid' is missing.");
  }
  const id = key.toLowerCase();
  requirePrivilege(organization, 'write');
  const contact = organization.contacts.find(id);
  if (!contact) throw recordNotFound('contact', id);
  requireAccess(organization, 'write', contact);
  return id;
}

/** An entity whose type is not given by the parameter: it has to say what it is. */
function typed(value: unknown, { contactTable }: Organization): Record<string, unknown> {
  if (isObject(value) && value['@odata.type'] === 'Microsoft.Dynamics.CRM.contact') return value;
  throw badPayload(contactTable.table, "'@odata.type' has to be 'Microsoft.Dynamics.CRM.contact'.");
}
