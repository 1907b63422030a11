import { badQuery } from '../errors.ts';
import { parseFilter } from '../query/filter.ts';
import type { Column, Table } from '../tables/table.ts';

/** Properties by name. */
type Properties = Readonly<Record<string, unknown>>;

/** The key of a metadata path: `LogicalName='…'` or a GUID. */
export function matchesKey(key: string, logicalName: string, metadataId: string): boolean {
  const name = /^LogicalName='([^']*)'$/.exec(key)?.[1];
  return name === undefined ? key.toLowerCase() === metadataId : name === logicalName;
}

/** The properties that a `$select` names, with the id always; 400 for an unknown one. */
export function selectProperties(
  properties: Properties,
  select: string | null,
  type: string,
): Properties {
  if (select === null) return properties;
  const names = select.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(name in properties));
  if (unknown !== undefined) throw unknownProperty(unknown, type);
  return Object.fromEntries([...names, 'MetadataId'].map((name) => [name, properties[name]]));
}

/** The items that a `$filter` on their texts and two-option properties finds. */
export function filterProperties<T extends { readonly properties: Properties }>(
  items: readonly T[],
  filter: string | null,
  type: string,
): readonly T[] {
  const [first] = items;
  if (filter === null || !first) return items;
  const columns = Object.entries(first.properties).flatMap(([name, value]): Column[] => {
    if (name === 'MetadataId') return [{ name, type: 'guid' }];
    if (typeof value === 'string') return [{ name, type: 'string' }];
    return typeof value === 'boolean' ? [{ name, type: 'boolean' }] : [];
  });
  const table: Table = {
    logicalName: type,
    setName: type,
    primaryKey: 'MetadataId',
    columns: new Map(columns.map((column) => [column.name, column])),
  };
  const matches = parseFilter(filter, table, new Map());
  return items.filter(({ properties }) => {
    const scalars = columns.map(({ name }) => {
      const value = properties[name];
      return [name, typeof value === 'string' || typeof value === 'boolean' ? value : null];
    });
    return matches({ id: '', version: 0n, values: Object.fromEntries(scalars) });
  });
}

/** One property of an `$expand`, with the query options in its parentheses. */
export interface MetadataExpansion {
  readonly property: string;
  readonly select: string | null;
  readonly filter: string | null;
}

const itemPattern = /\s*([A-Za-z]+)(?:\(((?:[^()]|\([^()]*\))*)\))?\s*(?:,|$)/y;

/** Reads an `$expand` such as `OptionSet($select=Options),GlobalOptionSet($select=Options)`. */
export function readMetadataExpand(text: string | null): readonly MetadataExpansion[] {
  const expansions: MetadataExpansion[] = [];
  itemPattern.lastIndex = 0;
  while (itemPattern.lastIndex < (text?.length ?? 0)) {
    const match = itemPattern.exec(text ?? '');
    if (!match) throw badQuery(`Syntax error in $expand '${text}'.`);
    const [, property = '', inner = ''] = match;
    const options = new Map(
      inner.split(';').map((option) => {
        const [name = '', ...value] = option.split('=');
        return [name.trim(), value.join('=')];
      }),
    );
    expansions.push({
      property,
      select: options.get('$select') ?? null,
      filter: options.get('$filter') ?? null,
    });
  }
  return expansions;
}

export function unknownProperty(name: string, type: string) {
  return badQuery(
    `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${type}'.`,
  );
}
