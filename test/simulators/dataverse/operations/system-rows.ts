import { badQuery, DataverseError, errorCodes, recordNotFound } from '../errors.ts';
import type { Operation, WebApiRequest } from '../operation.ts';
import type { Organization } from '../organization.ts';
import { requireCustomization } from '../privileges.ts';
import type { SystemTableRows } from '../tables/system-rows.ts';
import { platformSets, systemTables } from '../tables/system-tables.ts';
import type { ColumnValues, Row } from '../tables/table.ts';

const sets = systemTables.map(({ setName }) => setName).join('|');

export const systemSetPath = new RegExp(`^(${sets})$`);
export const systemRowPath = new RegExp(`^(${sets})\\(([^()]*)\\)$`);

export function rowsOf(request: WebApiRequest, organization: Organization): SystemTableRows {
  return organization.systemRows.of(request.groups[0] ?? '');
}

export function existingRow({ table, find }: SystemTableRows, id: string): Row {
  const row = find(id);
  if (!row) throw recordNotFound(table.logicalName, id);
  return row;
}

/** 403 without the privilege, 400 for a table that belongs to the platform. */
export function requireWritable(
  operation: Pick<Operation, 'method'>,
  { table }: SystemTableRows,
  organization: Organization,
): void {
  const right = { POST: 'Create', PATCH: 'Write', PUT: 'Write', DELETE: 'Delete', GET: 'Read' };
  requireCustomization(organization, `prv${right[operation.method]}${table.logicalName}`);
  // A system job that has ended may be cleared away.
  const clears = operation.method === 'DELETE' && table.setName === 'asyncoperations';
  if (!platformSets.has(table.setName) || clears) return;
  throw badQuery(
    `The '${right[operation.method]}' method does not support entities of type '${table.logicalName}'.`,
  );
}

/** Every row that a lookup names has to exist; names that have to be unique are. */
export function checkValues(
  values: ColumnValues,
  { table, all }: SystemTableRows,
  organization: Organization,
  ownId?: string,
): void {
  for (const column of table.columns.values()) {
    const value = values[column.name];
    if (!column.lookup || typeof value !== 'string') continue;
    const targets = column.lookup.flatMap(({ set }) => organization.tables.get(set) ?? []);
    if (targets.some(({ find }) => find(value) !== undefined)) continue;
    throw recordNotFound(targets[0]?.table.logicalName ?? column.name, value);
  }
  const { uniquename } = values;
  if (uniquename === undefined) return;
  if (all().some((row) => row.id !== ownId && row.values['uniquename'] === uniquename)) {
    throw new DataverseError(
      412,
      errorCodes.duplicateRecord,
      `A record with the unique name '${String(uniquename)}' already exists.`,
    );
  }
}

/** The two names of a plug-in's step are one column. */
export function withEventHandler(values: ColumnValues): ColumnValues {
  const plugIn = values['_plugintypeid_value'];
  return plugIn === undefined ? values : { ...values, _eventhandler_value: plugIn };
}
