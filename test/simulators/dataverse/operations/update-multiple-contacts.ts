import { DataverseError, errorCodes } from '../errors.ts';
import { UPDATE_MULTIPLE_ROW_MS } from '../limits/execution-time.ts';
import {
  actorOf,
  allowQuery,
  bodyObject,
  doneAnswer,
  isObject,
  type Operation,
  type WebApiRequest,
} from '../operation.ts';
import { requireAccess, requirePrivilege } from '../privileges.ts';
import { badPayload, guidPattern, readColumns } from '../tables/read-columns.ts';
import type { ColumnValues, Table } from '../tables/table.ts';

/**
 * `POST contacts/Microsoft.Dynamics.CRM.UpdateMultiple` (bulk-operations.md): every target has its
 * type and its key, and all roll back together. A target that does not exist is an error, never
 * created. That the same row may not be a target twice, and the status of one that is missing, are
 * inferred.
 */
export const updateMultipleContacts: Operation = {
  name: 'UpdateMultipleContacts',
  method: 'POST',
  path: /^contacts\/Microsoft\.Dynamics\.CRM\.UpdateMultiple$/,
  executionMs: (request) => countTargets(request) * UPDATE_MULTIPLE_ROW_MS,
  handle(request, organization) {
    allowQuery(request, 'tag');
    const { contacts, contactTable } = organization;
    const targets = readTargets(request, contactTable.table);
    requirePrivilege(organization, 'write');
    const missing = targets.filter(({ id }) => contacts.find(id) === undefined);
    if (missing.length > 0) {
      const ids = missing.map(({ id }) => id).join(', ');
      throw new DataverseError(
        404,
        errorCodes.recordNotFound,
        `Contact With Ids = ${ids} Do Not Exist`,
      );
    }
    for (const { id } of targets) {
      const contact = contacts.find(id);
      if (contact) requireAccess(organization, 'write', contact);
    }
    contacts.updateAll(targets, actorOf(request, organization));
    return doneAnswer;
  },
};

function readTargets(request: WebApiRequest, table: Table): { id: string; values: ColumnValues }[] {
  const { Targets: targets, ...others } = bodyObject(request, table.setName);
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw badPayload(table, `The parameter '${other}' is not a parameter of 'UpdateMultiple'.`);
  }
  if (!Array.isArray(targets) || targets.length === 0) {
    throw badPayload(table, "The parameter 'Targets' is missing or empty.");
  }
  const seen = new Set<string>();
  return targets.map((target: unknown) => {
    if (
      !isObject(target) ||
      target['@odata.type'] !== `Microsoft.Dynamics.CRM.${table.logicalName}`
    ) {
      throw badPayload(table, "Every target needs '@odata.type' with the type of the table.");
    }
    const key = target[table.primaryKey];
    const id = typeof key === 'string' && guidPattern.test(key) ? key.toLowerCase() : undefined;
    if (id === undefined) throw badPayload(table, `Every target needs its '${table.primaryKey}'.`);
    if (seen.has(id)) throw badPayload(table, `The target '${id}' is there more than once.`);
    seen.add(id);
    return { id, values: readColumns(target, table, 'web-api') };
  });
}

/** For the bill only, before anything is checked. */
function countTargets({ body }: WebApiRequest): number {
  try {
    const parsed: unknown = JSON.parse(body.toString());
    return isObject(parsed) && Array.isArray(parsed['Targets']) ? parsed['Targets'].length : 0;
  } catch {
    return 0;
  }
}
