import { DataverseError, errorCodes } from '../errors.ts';
import type { Column, ColumnValue, ColumnValues, Table } from './table.ts';

export const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Who writes: the Web API keeps to the table's limits; a simulated user may exceed them. */
export type Strictness = 'web-api' | 'user';

/**
 * Reads the columns of a request's body for one table. Annotations (`@odata.…`) and read-only columns
 * are left out, as Dataverse does; an unknown column or a value of the wrong type is refused with 400.
 * A lookup is written as `"<navigation property>@odata.bind": "/<set>(<id>)"`.
 *
 * With `user`, texts may be longer than the column and hold any character: a customer can widen
 * a column, and what stands in Dynamics must never break the one who reads it.
 */
export function readColumns(
  body: Record<string, unknown>,
  table: Table,
  strictness: Strictness,
): ColumnValues {
  const values: Record<string, ColumnValue> = {};
  for (const [name, value] of Object.entries(body)) {
    if (name.endsWith(BIND)) {
      const [column, id] = readBinding(name.slice(0, -BIND.length), value, table);
      values[column] = id;
      continue;
    }
    if (name.includes('@odata.')) continue;
    const column = table.columns.get(name);
    if (!column) throw unknownProperty(name, table);
    if (column.lookup) {
      throw badPayload(
        table,
        'CRM do not support direct update of Entity Reference properties, Use Navigation ' +
          'properties instead.',
      );
    }
    if (column.readOnly) continue;
    values[name] = value === null ? null : readValue(column, value, table, strictness);
  }
  return values;
}

const BIND = '@odata.bind';
const bindingPattern = /^(?:https?:\/\/[^/]+\/api\/data\/v9\.2)?\/?([a-z]+)\(([0-9a-f-]{36})\)$/i;

/** The column and the id that a binding writes. */
function readBinding(property: string, value: unknown, table: Table): [string, string | null] {
  for (const column of table.columns.values()) {
    const navigation = column.lookup?.find((one) => one.property === property);
    if (!navigation) continue;
    if (value === null) return [column.name, null];
    const match = typeof value === 'string' ? bindingPattern.exec(value) : null;
    const id = match?.[2] ?? '';
    if (match?.[1] !== navigation.set || !guidPattern.test(id)) {
      throw badPayload(
        table,
        `The value of '${property}${BIND}' does not refer to a row of '${navigation.set}'.`,
      );
    }
    return [column.name, id.toLowerCase()];
  }
  throw unknownProperty(property, table);
}

function unknownProperty(name: string, table: Table): DataverseError {
  return badPayload(
    table,
    `The property '${name}' does not exist on type 'Microsoft.Dynamics.CRM.${table.logicalName}'. ` +
      'Make sure to only use property names that are defined by the type.',
  );
}

function readValue(
  column: Column,
  value: unknown,
  table: Table,
  strictness: Strictness,
): ColumnValue {
  switch (column.type) {
    case 'string':
      if (typeof value !== 'string') throw wrongType(table, value, 'Edm.String');
      if (strictness === 'web-api') checkText(table, column, value);
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(table, value, 'Edm.Boolean');
      return value;
    case 'picklist':
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value))
        throw wrongType(table, value, 'Edm.Int32');
      checkOption(table, column, value);
      return value;
    case 'guid':
      if (typeof value !== 'string' || !guidPattern.test(value))
        throw wrongType(table, value, 'Edm.Guid');
      return value.toLowerCase();
    case 'date':
      if (typeof value !== 'string' || !isDate(value)) throw wrongType(table, value, 'Edm.Date');
      return value;
    case 'datetime':
      return readDateTime(table, value);
    case 'bigint':
      throw new Error(`${column.name} is read-only`);
  }
}

function checkOption(table: Table, { name, options }: Column, value: number): void {
  if (options === undefined) return;
  const accepted = options.map((option) => option.value);
  if (accepted.includes(value)) return;
  throw new DataverseError(
    400,
    '0x8004431a',
    `A validation error occurred. The value ${value} of '${name}' on record of type ` +
      `'${table.logicalName}' is outside the valid range. Accepted Values: ${accepted.join(',')}`,
  );
}

// Not allowed in XML 1.0, and therefore refused by Dataverse in every text (inferred for surrogates).
const invalidCharacters =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

function checkText(table: Table, column: Column, text: string): void {
  if (column.maxLength !== undefined && text.length > column.maxLength) {
    throw new DataverseError(
      400,
      '0x80044331',
      `A validation error occurred. The length of the '${column.name}' attribute of the ` +
        `'${table.logicalName}' entity exceeded the maximum allowed length of '${column.maxLength}'.`,
    );
  }
  if (invalidCharacters.test(text)) {
    throw new DataverseError(
      400,
      '0x80040278',
      `The field '${column.name}' contains one or more invalid characters.`,
    );
  }
}

const dateTimePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)$/;
const EARLIEST_MS = Date.UTC(1753, 0, 1);
const LATEST_MS = Date.UTC(9999, 11, 30, 23, 59, 59, 999);

function readDateTime(table: Table, value: unknown): string {
  const ms = typeof value === 'string' && dateTimePattern.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(ms)) throw wrongType(table, value, 'Edm.DateTimeOffset');
  if (ms < EARLIEST_MS) {
    throw new DataverseError(
      400,
      '0x80040239',
      'DateTime is less than minimum value supported by CrmDateTime. Minimum value supported: ' +
        '01/01/1753 00:00:00',
    );
  }
  if (ms > LATEST_MS) {
    throw new DataverseError(
      400,
      '0x80040239',
      'DateTime is greater than maximum value supported by CrmDateTime. Maximum value supported: ' +
        '12/30/9999 23:59:59',
    );
  }
  return toDateTime(ms);
}

/** A DateAndTime value as Dataverse returns it: UTC, whole seconds, milliseconds cut off. */
export function toDateTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  // February 30th parses as a day of March.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

function wrongType(table: Table, value: unknown, expected: string): DataverseError {
  const literal = JSON.stringify(value);
  return badPayload(
    table,
    `Cannot convert the literal ${literal} to the expected type '${expected}'.`,
  );
}

/** 400 for a body that does not fit the table. */
export function badPayload(table: Table, reason: string): DataverseError {
  return new DataverseError(
    400,
    errorCodes.badPayload,
    `Error identified in Payload provided by the user for Entity :'${table.setName}', ` +
      `InnerException : Microsoft.OData.ODataException: ${reason}`,
  );
}
