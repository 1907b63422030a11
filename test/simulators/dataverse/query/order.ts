import { badQuery } from '../errors.ts';
import type { ColumnValue, Row, Table } from '../tables/table.ts';

/** What a page cookie remembers of its last row: the values ordered by, and the id. */
export type OrderKey = readonly (ColumnValue | { readonly bigint: string })[];

export interface Order {
  readonly keyOf: (row: Row) => OrderKey;
  readonly compare: (left: OrderKey, right: OrderKey) => number;
}

/**
 * Reads `$orderby` (`column`, `column asc`, `column desc`, joined by commas). The id always comes
 * last, so that the order is total; without `$orderby` it stands alone.
 */
export function parseOrder(text: string | null, table: Table): Order {
  const terms = (text === null ? [] : text.split(',')).map((term) => {
    const match = /^\s*([a-z_][a-z0-9_]*)(?:\s+(asc|desc))?\s*$/.exec(term);
    const name = match?.[1];
    if (name === undefined || !table.columns.has(name)) {
      throw badQuery(
        `Could not find a property named '${name ?? term}' on type ` +
          `'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
      );
    }
    return { name, direction: match?.[2] === 'desc' ? -1 : 1 };
  });
  terms.push({ name: table.primaryKey, direction: 1 });

  return {
    keyOf: (row) =>
      terms.map(({ name }) =>
        name === 'versionnumber' ? { bigint: row.version.toString() } : (row.values[name] ?? null),
      ),
    compare(left, right) {
      for (const [index, { direction }] of terms.entries()) {
        const difference = compareValues(left[index] ?? null, right[index] ?? null);
        if (difference !== 0) return difference * direction;
      }
      return 0;
    },
  };
}

/** Compares keys value by value, all of them ascending. */
export function compareKeys(left: OrderKey, right: OrderKey): number {
  for (const [index, value] of left.entries()) {
    const difference = compareValues(value, right[index] ?? null);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Null comes first and texts are compared without case, as SQL Server does. */
function compareValues(left: OrderKey[number], right: OrderKey[number]): number {
  const [a, b] = [comparable(left), comparable(right)];
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}

function comparable(value: OrderKey[number]): string | number | boolean | bigint | null {
  if (value !== null && typeof value === 'object') return BigInt(value.bigint);
  return typeof value === 'string' ? value.toLowerCase() : value;
}
