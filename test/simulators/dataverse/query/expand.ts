import { entityOf } from '../entity.ts';
import { badQuery } from '../errors.ts';
import { readSelect, type WebApiRequest } from '../operation.ts';
import type { Organization } from '../organization.ts';
import type { Column, Row, Table } from '../tables/table.ts';

/** One single-valued navigation property of an `$expand`, with the columns that it selects. */
interface Expansion {
  readonly property: string;
  readonly column: Column;
  readonly set: string;
  readonly columns: readonly string[];
}

const itemPattern = /\s*([a-z_]\w*)(?:\(\$select=([\w,\s]+)\))?\s*(?:,|$)/iy;

/** Reads an `$expand` of lookups, such as `sdkmessageid($select=name)`; 400 for anything else. */
export function readExpand(
  request: WebApiRequest,
  { tables }: Organization,
  table: Table,
): readonly Expansion[] {
  const text = request.query.get('$expand');
  if (text === null) return [];
  const expansions: Expansion[] = [];
  itemPattern.lastIndex = 0;
  while (itemPattern.lastIndex < text.length) {
    const match = itemPattern.exec(text);
    if (!match) throw badQuery(`Syntax error in $expand '${text}'.`);
    const [, property = '', select] = match;
    expansions.push({ property, ...navigate(property, select ?? null) });
  }
  return expansions;

  function navigate(property: string, select: string | null): Omit<Expansion, 'property'> {
    for (const column of table.columns.values()) {
      const navigation = column.lookup?.find((one) => one.property === property);
      const target = navigation && tables.get(navigation.set);
      if (!navigation || !target) continue;
      return { column, set: navigation.set, columns: readSelect(select, target.table) };
    }
    throw badQuery(
      `Could not find a property named '${property}' on type 'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
    );
  }
}

/** The rows that a row leads to, by navigation property; null where the lookup leads elsewhere. */
export function expandRow(
  row: Row,
  expansions: readonly Expansion[],
  { tables }: Organization,
): object {
  return Object.fromEntries(
    expansions.map(({ property, column, set, columns }) => {
      const target = tables.get(set);
      const found = target?.find(String(row.values[column.name] ?? ''));
      return [property, target && found ? entityOf(found, target.table, columns) : null];
    }),
  );
}
