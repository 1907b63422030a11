import { DataverseError } from '../errors.ts';
import type { Column, ColumnOption, Table } from './table.ts';

/** Status reasons that belong to each state of a contact: 0 active, 1 inactive. */
export const statusOfState: Readonly<Record<number, number>> = { 0: 1, 1: 2 };

/** Each publisher has five digits of its own, and four are left for its options. */
export const OPTIONS_PER_PUBLISHER = 10_000;

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
  { name: 'statecode', type: 'picklist', options: states, default: 0 },
  { name: 'statuscode', type: 'picklist', options: statusReasons, default: 1 },
  { name: 'merged', type: 'boolean', readOnly: true, default: false },
  { name: '_masterid_value', type: 'guid', readOnly: true, lookup: [] },
  {
    name: '_ownerid_value',
    type: 'guid',
    lookup: [{ property: 'ownerid', set: 'systemusers' }],
  },
];

const consentColumns = (options: readonly ColumnOption[]): readonly Column[] =>
  (
    [
      { name: 'ch_marketing_email', type: 'boolean', default: false },
      { name: 'ch_marketing_sms', type: 'boolean', default: false },
      { name: 'ch_marketing_phone', type: 'boolean', default: false },
      { name: 'ch_marketing_mail', type: 'boolean', default: false },
      { name: 'ch_consent_date', type: 'datetime' },
      { name: 'ch_consent_expires', type: 'datetime' },
      { name: 'ch_last_sync', type: 'datetime' },
      { name: 'ch_consent_status', type: 'picklist', options },
    ] satisfies Column[]
  ).map((column) => ({ ...column, custom: true }));

/** What the contact table keeps between starts. */
export interface ContactTableSnapshot {
  readonly customColumns: readonly Column[];
  readonly changeTrackingEnabled: boolean;
  /** A decimal string. */
  readonly changedAt: string;
}

export type ContactTable = ReturnType<typeof createContactTable>;

/**
 * The definition of the contact table, which a set-up tool changes.
 *
 * @param optionValuePrefix `customizationoptionvalueprefix` of the solution's publisher, 10,000 to
 *   99,999: the values of `ch_consent_status` begin with it, so every tenant has its own. Null: the
 *   organisation was not set up, has only the columns that Dataverse ships and does not track changes
 * @param snapshot of an earlier run, which the prefix does not change any more
 */
export function createContactTable(
  optionValuePrefix: number | null,
  snapshot: ContactTableSnapshot | undefined,
) {
  const custom = snapshot?.customColumns ?? columnsOfSetUp(optionValuePrefix);
  const columns = new Map([...standardColumns, ...custom].map((column) => [column.name, column]));
  let changeTrackingEnabled = snapshot?.changeTrackingEnabled ?? optionValuePrefix !== null;
  let changedAt = BigInt(snapshot?.changedAt ?? 0);
  const table: Table = {
    logicalName: 'contact',
    setName: 'contacts',
    primaryKey: 'contactid',
    columns,
  };

  return {
    table,
    changeTrackingEnabled: (): boolean => changeTrackingEnabled,
    /** The row version at the last change of the definition: older delta tokens are refused. */
    changedAt: (): bigint => changedAt,

    /** Adds a column. 400 if the name is taken (DuplicateAttributeSchemaName). */
    addColumn(column: Column, version: bigint): void {
      if (columns.has(column.name)) {
        throw new DataverseError(
          400,
          '0x80047013',
          `Attribute with Name=${column.name} on entity contact already exists`,
        );
      }
      columns.set(column.name, column);
      changedAt = version;
    },
    removeColumn(name: string, version: bigint): void {
      columns.delete(name);
      changedAt = version;
    },
    enableChangeTracking(version: bigint): void {
      if (changeTrackingEnabled) return;
      changeTrackingEnabled = true;
      changedAt = version;
    },

    snapshot: (): ContactTableSnapshot => ({
      customColumns: [...columns.values()].filter((column) => column.custom),
      changeTrackingEnabled,
      changedAt: changedAt.toString(),
    }),
  };
}

function columnsOfSetUp(optionValuePrefix: number | null): readonly Column[] {
  if (optionValuePrefix === null) return [];
  const options = ['Active', 'Partial', 'Expired', 'None'].map((label, index) => ({
    label,
    value: optionValuePrefix * OPTIONS_PER_PUBLISHER + index,
  }));
  return consentColumns(options);
}
