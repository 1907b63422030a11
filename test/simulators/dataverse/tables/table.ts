export type ColumnValue = string | number | boolean | null;
export type ColumnValues = Readonly<Record<string, ColumnValue>>;

export interface Column {
  readonly name: string;
  readonly type:
    | 'guid'
    | 'string'
    | 'boolean'
    | 'datetime'
    | 'date'
    | 'picklist'
    | 'integer'
    | 'bigint';
  /** Not valid for create or update: what a client sends for it is ignored. */
  readonly readOnly?: true;
  /** Valid for create and update, never returned: a secret. */
  readonly writeOnly?: true;
  /**
   * A lookup's value (`_…_value`): selectable, but only written through one of its navigation
   * properties (`<property>@odata.bind`). Without any it cannot be written at all.
   */
  readonly lookup?: readonly Navigation[];
  /** In UTF-16 code units. */
  readonly maxLength?: number;
  /** Of a picklist; absent: any number. */
  readonly options?: readonly ColumnOption[];
  /** What a new row has in it; absent: null. */
  readonly default?: ColumnValue;
  /** As `SchemaName` in the metadata; absent: the logical name. */
  readonly schemaName?: string;
  readonly displayName?: string;
  /** Made by a customer or by a set-up tool, and can be deleted again. */
  readonly custom?: true;
}

/** A single-valued navigation property, and the entity set that it leads to. */
export interface Navigation {
  readonly property: string;
  readonly set: string;
}

/** An option of a picklist. */
export interface ColumnOption {
  readonly label: string;
  readonly value: number;
}

export interface Table {
  readonly logicalName: string;
  /** `EntitySetName`, as it stands in addresses. */
  readonly setName: string;
  /** The column of the id. */
  readonly primaryKey: string;
  /** By logical name. */
  readonly columns: ReadonlyMap<string, Column>;
}

/** A row of any table. */
export interface Row {
  readonly id: string;
  /** `versionnumber`: grows with every change, over all rows of the organisation. */
  readonly version: bigint;
  /** All columns but `versionnumber`; one that the row is older than is absent. */
  readonly values: ColumnValues;
}

/** What queries need of a table and its rows. */
export interface TableRows {
  readonly table: Table;
  readonly find: (id: string) => Row | undefined;
  readonly all: () => readonly Row[];
}

/** The tables of an organisation by entity set. */
export type Tables = ReadonlyMap<string, TableRows>;

export interface StoredRow {
  readonly id: string;
  /** A decimal string: 64-bit integers do not survive JSON. */
  readonly version: string;
  readonly values: ColumnValues;
}

export function loadRows(stored: readonly StoredRow[] = []): Map<string, Row> {
  return new Map(stored.map((row) => [row.id, { ...row, version: BigInt(row.version) }]));
}

export function storeRow(row: Row): StoredRow {
  return { ...row, version: row.version.toString() };
}
