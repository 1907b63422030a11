import { jsonInteger } from './json.ts';
import type { Row, Table } from './tables/table.ts';

/** The ETag of a row, as it stands in `@odata.etag`, `If-Match` and `If-None-Match`. */
export function etagOf(row: Row): string {
  return `W/"${row.version}"`;
}

/** A row as the Web API returns it: the ETag, the selected columns, and always the key. */
export function entityOf(row: Row, table: Table, columns: readonly string[]): object {
  return Object.fromEntries([
    ['@odata.etag', etagOf(row)],
    ...columns.map((name) => [
      name,
      name === 'versionnumber' ? jsonInteger(row.version) : (row.values[name] ?? null),
    ]),
    [table.primaryKey, row.id],
  ]);
}
