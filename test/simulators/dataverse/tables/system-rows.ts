import { randomGuid, type Random } from '../../entra/random.ts';
import { DataverseError, errorCodes, recordNotFound } from '../errors.ts';
import { toDateTime } from './read-columns.ts';
import type { RowVersions } from './row-versions.ts';
import { systemTables } from './system-tables.ts';
import {
  type ColumnValues,
  loadRows,
  type Row,
  type StoredRow,
  storeRow,
  type Table,
  type TableRows,
} from './table.ts';

/** The oldest rows of a table beyond this number are forgotten: system jobs pile up. */
const MAX_ROWS = 10_000;

/** Rows of one system table. */
export interface SystemTableRows extends TableRows {
  readonly create: (values: ColumnValues) => Row;
  readonly update: (id: string, values: ColumnValues) => Row;
  readonly delete: (id: string) => void;
}

export type SystemRowsSnapshot = Readonly<Record<string, readonly StoredRow[]>>;

export type SystemRows = ReturnType<typeof createSystemRows>;

/** Solutions, registrations and system jobs. `onChange` is called after each change. */
export function createSystemRows(options: {
  versions: RowVersions;
  now: () => number;
  random: Random;
  snapshot: SystemRowsSnapshot | undefined;
  onChange: () => void;
}) {
  const sets = new Map(
    systemTables.map((table) => {
      const rows = loadRows(options.snapshot?.[table.setName]);
      return [table.setName, createTableRows(table, rows, options)] as const;
    }),
  );

  return {
    sets,
    /** The rows of an entity set that is known to exist. */
    of(set: string): SystemTableRows {
      const rows = sets.get(set);
      if (!rows) throw new Error(`There is no table ${set}`);
      return rows;
    },
    snapshot: (): SystemRowsSnapshot =>
      Object.fromEntries([...sets].map(([set, rows]) => [set, rows.all().map(storeRow)])),
  };
}

function createTableRows(
  table: Table,
  rows: Map<string, Row>,
  { versions, now, random, onChange }: Parameters<typeof createSystemRows>[0],
): SystemTableRows {
  function put(id: string, values: ColumnValues): Row {
    const row = { id, version: versions.next(), values };
    rows.set(id, row);
    onChange();
    return row;
  }
  function existing(id: string): Row {
    const row = rows.get(id);
    if (!row) throw recordNotFound(table.logicalName, id);
    return row;
  }
  const presets = Object.fromEntries(
    [...table.columns.values()].map((column) => [column.name, column.default ?? null]),
  );

  return {
    table,
    find: (id) => rows.get(id),
    all: () => [...rows.values()],
    create(values) {
      const given = values[table.primaryKey];
      const id = typeof given === 'string' ? given : randomGuid(random);
      if (rows.has(id)) {
        throw new DataverseError(
          412,
          errorCodes.duplicateRecord,
          'A record with matching key values already exists.',
        );
      }
      const [oldest] = rows.keys();
      if (rows.size >= MAX_ROWS && oldest !== undefined) rows.delete(oldest);
      const at = toDateTime(now());
      return put(id, {
        ...presets,
        ...values,
        [table.primaryKey]: id,
        createdon: at,
        modifiedon: at,
      });
    },
    update(id, values) {
      const before = existing(id);
      return put(id, {
        ...before.values,
        ...values,
        [table.primaryKey]: id,
        modifiedon: toDateTime(now()),
      });
    },
    delete(id) {
      existing(id);
      rows.delete(id);
      onChange();
    },
  };
}
