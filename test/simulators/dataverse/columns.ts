import { DataverseError, errorCodes } from './errors.ts';

export type ColumnValue = string | number | boolean | null;
export type ColumnValues = Readonly<Record<string, ColumnValue>>;

export interface Column {
  readonly name: string;
  readonly type: 'guid' | 'string' | 'boolean' | 'datetime' | 'date' | 'picklist' | 'bigint';
  /** Not valid for create or update: what a client sends for it is ignored. */
  readonly readOnly?: true;
  /** A lookup's value (`_…_value`): selectable, but writing it is refused. */
  readonly lookup?: true;
  /** In UTF-16 code units. */
  readonly maxLength?: number;
  /** Of a picklist. */
  readonly options?: readonly ColumnOption[];
}

/** An option of a picklist. */
export interface ColumnOption {
  readonly label: string;
  readonly value: number;
}

/** The contact's columns in one organisation, by logical name. */
export type ContactColumns = ReadonlyMap<string, Column>;

/** Status reasons that belong to each state of a contact: 0 active, 1 inactive. */
export const statusOfState: Readonly<Record<number, number>> = { 0: 1, 1: 2 };

/** Each publisher has five digits of its own, and four are left for its options. */
const OPTIONS_PER_PUBLISHER = 10_000;

const states: readonly ColumnOption[] = [
  { label: 'Active', value: 0 },
  { label: 'Inactive', value: 1 },
];
const statusReasons: readonly ColumnOption[] = [
  { label: 'Active', value: 1 },
  { label: 'Inactive', value: 2 },
];

/** The columns that Dataverse ships, with their lengths. */
const standardColumns: readonly Column[] = [
  { name: 'contactid', type: 'guid' },
  { name: 'firstname', type: 'string', maxLength: 50 },
  { name: 'lastname', type: 'string', maxLength: 50 },
  { name: 'fullname', type: 'string', readOnly: true },
  { name: 'emailaddress1', type: 'string', maxLength: 100 },
  { name: 'telephone1', type: 'string', maxLength: 50 },
  { name: 'mobilephone', type: 'string', maxLength: 50 },
  { name: 'birthdate', type: 'date' },
  { name: 'createdon', type: 'datetime', readOnly: true },
  { name: 'modifiedon', type: 'datetime', readOnly: true },
  { name: 'versionnumber', type: 'bigint', readOnly: true },
  { name: 'statecode', type: 'picklist', options: states },
  { name: 'statuscode', type: 'picklist', options: statusReasons },
  { name: 'merged', type: 'boolean', readOnly: true },
  { name: '_masterid_value', type: 'guid', readOnly: true, lookup: true },
];

const consentColumns = (options: readonly ColumnOption[]): readonly Column[] => [
  { name: 'ch_marketing_email', type: 'boolean' },
  { name: 'ch_marketing_sms', type: 'boolean' },
  { name: 'ch_marketing_phone', type: 'boolean' },
  { name: 'ch_marketing_mail', type: 'boolean' },
  { name: 'ch_consent_date', type: 'datetime' },
  { name: 'ch_consent_expires', type: 'datetime' },
  { name: 'ch_last_sync', type: 'datetime' },
  { name: 'ch_consent_status', type: 'picklist', options },
];

/**
 * The contact's columns in an organisation that was set up for ConsentHub.
 *
 * @param optionValuePrefix `customizationoptionvalueprefix` of the solution's publisher, 10,000 to
 *   99,999: the values of `ch_consent_status` begin with it, so every tenant has its own. Null: the
 *   organisation was not set up, and has only the columns that Dataverse ships
 */
export function createContactColumns(optionValuePrefix: number | null): ContactColumns {
  const options = ['Active', 'Partial', 'Expired', 'None'].map((label, index) => ({
    label,
    value: (optionValuePrefix ?? 0) * OPTIONS_PER_PUBLISHER + index,
  }));
  const custom = optionValuePrefix === null ? [] : consentColumns(options);
  return new Map([...standardColumns, ...custom].map((column) => [column.name, column]));
}

export const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Who writes: the Web API keeps to the table's limits; a simulated user may exceed them. */
export type Strictness = 'web-api' | 'user';

/**
 * Reads the columns of a request's body for contacts. Annotations (`@odata.…`) and read-only columns
 * are left out, as Dataverse does; an unknown column or a value of the wrong type is refused with 400.
 *
 * With `user`, texts may be longer than the column and hold any character: a customer can widen
 * a column, and what stands in Dynamics must never break the one who reads it.
 */
export function readColumns(
  body: Record<string, unknown>,
  columns: ContactColumns,
  strictness: Strictness,
): ColumnValues {
  const values: Record<string, ColumnValue> = {};
  for (const [name, value] of Object.entries(body)) {
    if (name.includes('@odata.')) continue;
    const column = columns.get(name);
    if (!column) {
      throw badPayload(
        `The property '${name}' does not exist on type 'Microsoft.Dynamics.CRM.contact'. Make ` +
          'sure to only use property names that are defined by the type.',
      );
    }
    if (column.lookup) {
      throw badPayload(
        'CRM do not support direct update of Entity Reference properties, Use Navigation ' +
          'properties instead.',
      );
    }
    if (column.readOnly) continue;
    values[name] = value === null ? null : readValue(column, value, strictness);
  }
  return values;
}

function readValue(column: Column, value: unknown, strictness: Strictness): ColumnValue {
  switch (column.type) {
    case 'string':
      if (typeof value !== 'string') throw wrongType(value, 'Edm.String');
      if (strictness === 'web-api') checkText(column, value);
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(value, 'Edm.Boolean');
      return value;
    case 'picklist':
      if (typeof value !== 'number' || !Number.isInteger(value))
        throw wrongType(value, 'Edm.Int32');
      checkOption(column, value);
      return value;
    case 'guid':
      if (typeof value !== 'string' || !guidPattern.test(value)) throw wrongType(value, 'Edm.Guid');
      return value.toLowerCase();
    case 'date':
      if (typeof value !== 'string' || !isDate(value)) throw wrongType(value, 'Edm.Date');
      return value;
    case 'datetime':
      return readDateTime(value);
    case 'bigint':
      throw new Error(`${column.name} is read-only`);
  }
}

function checkOption({ name, options = [] }: Column, value: number): void {
  const accepted = options.map((option) => option.value);
  if (accepted.includes(value)) return;
  throw new DataverseError(
    400,
    '0x8004431a',
    `A validation error occurred. The value ${value} of '${name}' on record of type 'contact' is ` +
      `outside the valid range. Accepted Values: ${accepted.join(',')}`,
  );
}

// Not allowed in XML 1.0, and therefore refused by Dataverse in every text (inferred for surrogates).
const invalidCharacters =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

function checkText(column: Column, text: string): void {
  if (column.maxLength !== undefined && text.length > column.maxLength) {
    throw new DataverseError(
      400,
      '0x80044331',
      `A validation error occurred. The length of the '${column.name}' attribute of the 'contact' ` +
        `entity exceeded the maximum allowed length of '${column.maxLength}'.`,
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

function readDateTime(value: unknown): string {
  const ms = typeof value === 'string' && dateTimePattern.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(ms)) throw wrongType(value, 'Edm.DateTimeOffset');
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

function wrongType(value: unknown, expected: string): DataverseError {
  const literal = JSON.stringify(value);
  return badPayload(`Cannot convert the literal ${literal} to the expected type '${expected}'.`);
}

function badPayload(reason: string): DataverseError {
  return new DataverseError(
    400,
    errorCodes.badPayload,
    "Error identified in Payload provided by the user for Entity :'contacts', InnerException : " +
      `Microsoft.OData.ODataException: ${reason}`,
  );
}
