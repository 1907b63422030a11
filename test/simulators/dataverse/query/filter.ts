import { badQuery } from '../errors.ts';
import { guidPattern } from '../tables/read-columns.ts';
import type { Column, ColumnValue, Row, Table, Tables } from '../tables/table.ts';

export type RowPredicate = (row: Row) => boolean;

/** Deeper nesting than any query that a person or a program writes. */
const MAX_DEPTH = 32;

/**
 * Reads a `$filter` (filter-rows.md): comparisons (`eq ne gt ge lt le`), `contains`, `startswith`,
 * `endswith` and `Microsoft.Dynamics.CRM.In(PropertyName='…',PropertyValues=['…'])`, joined by `and`,
 * `or`, `not` and parentheses; a column may stand behind a navigation property (`sdkmessageid/name`).
 * Anything else is refused with 400: Dataverse knows more query functions, the project uses no more.
 */
export function parseFilter(text: string, table: Table, tables: Tables): RowPredicate {
  const scanner = createScanner(text, table, tables);
  const predicate = readOr(scanner, 0);
  scanner.expectEnd();
  return predicate;
}

const inCall = /Microsoft\.Dynamics\.CRM\.In\(PropertyName=/y;
const textCall = /(contains|startswith|endswith)\(/y;
const path = /[A-Za-z_]\w*(?:\/[A-Za-z_]\w*)?/y;
const operator = /\s+(eq|ne|gt|ge|lt|le)\s+/y;
const stringLiteral = /'((?:[^']|'')*)'/y;
const bareLiteral = /[^\s()',]+/y;

/** A column of the table or of one that it leads to, with how its value is found. */
interface Operand {
  readonly column: Column;
  readonly valueOf: (row: Row) => ColumnValue | bigint;
}

type Scanner = ReturnType<typeof createScanner>;

function createScanner(text: string, table: Table, tables: Tables) {
  let position = 0;
  return {
    /** Takes what the sticky pattern matches here: its first group, or all of it. */
    take(pattern: RegExp): string | undefined {
      pattern.lastIndex = position;
      const match = pattern.exec(text);
      if (!match) return undefined;
      position = pattern.lastIndex;
      return match[1] ?? match[0];
    },
    expect(pattern: RegExp): string {
      return this.take(pattern) ?? this.fail();
    },
    expectEnd(): void {
      this.take(/\s+/y);
      if (position < text.length) this.fail();
    },
    /** The operand with a name that was taken. */
    operand(name: string): Operand {
      const [first = '', second] = name.split('/');
      return second === undefined ? ownOperand(first, table) : relatedOperand(first, second);
    },
    fail(): never {
      throw badQuery(`Syntax error at position ${position} in the filter expression.`);
    },
  };

  function relatedOperand(property: string, name: string): Operand {
    const lookup = [...table.columns.values()].find((column) =>
      column.lookup?.some((navigation) => navigation.property === property),
    );
    const set = lookup?.lookup?.find((navigation) => navigation.property === property)?.set;
    const related = set === undefined ? undefined : tables.get(set);
    if (!lookup || !related) throw unknownProperty(property, table);
    const target = ownOperand(name, related.table);
    return {
      column: target.column,
      valueOf(row) {
        const found = related.find(String(row.values[lookup.name] ?? ''));
        return found ? target.valueOf(found) : null;
      },
    };
  }
}

function ownOperand(name: string, table: Table): Operand {
  const column = table.columns.get(name);
  if (!column || column.writeOnly) throw unknownProperty(name, table);
  return {
    column,
    valueOf: (row) => (name === 'versionnumber' ? row.version : (row.values[name] ?? null)),
  };
}

function unknownProperty(name: string, table: Table) {
  return badQuery(
    `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
  );
}

function readOr(scanner: Scanner, depth: number): RowPredicate {
  if (depth > MAX_DEPTH) scanner.fail();
  const terms = [readAnd(scanner, depth)];
  while (scanner.take(/\s+or\s+/y)) terms.push(readAnd(scanner, depth));
  return (row) => terms.some((term) => term(row));
}

function readAnd(scanner: Scanner, depth: number): RowPredicate {
  const terms = [readTerm(scanner, depth)];
  while (scanner.take(/\s+and\s+/y)) terms.push(readTerm(scanner, depth));
  return (row) => terms.every((term) => term(row));
}

function readTerm(scanner: Scanner, depth: number): RowPredicate {
  if (scanner.take(/not\s+(?=\S)/y)) {
    const term = readTerm(scanner, depth + 1);
    return (row) => !term(row);
  }
  if (scanner.take(/\(\s*/y)) {
    const inner = readOr(scanner, depth + 1);
    scanner.expect(/\s*\)/y);
    return inner;
  }
  if (scanner.take(inCall)) return readIn(scanner);
  const call = scanner.take(textCall);
  return call === undefined ? readComparison(scanner) : readTextCall(call, scanner);
}

function readIn(scanner: Scanner): RowPredicate {
  const { column, valueOf } = scanner.operand(unquote(scanner.expect(stringLiteral)));
  scanner.expect(/,\s*PropertyValues=\[/y);
  const accepted = new Set<string>();
  do {
    const value = unquote(scanner.expect(stringLiteral));
    if (column.type === 'guid' && !guidPattern.test(value)) {
      throw badQuery(
        'Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).',
      );
    }
    accepted.add(value.toLowerCase());
  } while (scanner.take(/,\s*/y));
  scanner.expect(/\]\)/y);
  return (row) => {
    const value = valueOf(row);
    return value !== null && accepted.has(String(value).toLowerCase());
  };
}

function readTextCall(name: string, scanner: Scanner): RowPredicate {
  const { column, valueOf } = scanner.operand(scanner.expect(path));
  scanner.expect(/,\s*/y);
  const part = unquote(scanner.expect(stringLiteral)).toLowerCase();
  scanner.expect(/\)/y);
  if (column.type !== 'string') throw incompatible(column, 'Edm.String');
  return (row) => {
    const value = valueOf(row);
    if (typeof value !== 'string') return false;
    const text = value.toLowerCase();
    if (name === 'startswith') return text.startsWith(part);
    return name === 'endswith' ? text.endsWith(part) : text.includes(part);
  };
}

function readComparison(scanner: Scanner): RowPredicate {
  const { column, valueOf } = scanner.operand(scanner.expect(path));
  const name = scanner.expect(operator);
  const literal = readLiteral(scanner, column);
  return (row) => holds(name, valueOf(row), literal);
}

/** As SQL does it: nothing is greater or less than null, and null is equal to null only. */
function holds(name: string, value: ColumnValue | bigint, literal: ColumnValue | bigint): boolean {
  const order = compareValues(value, literal);
  if (name === 'eq') return order === 0;
  if (name === 'ne') return order !== 0;
  if (order === undefined) return false;
  if (name === 'gt') return order > 0;
  if (name === 'ge') return order >= 0;
  return name === 'lt' ? order < 0 : order <= 0;
}

/** Less than, equal to or greater than nought; undefined if only one of them is null. */
function compareValues(
  value: ColumnValue | bigint,
  literal: ColumnValue | bigint,
): number | undefined {
  if (value === null || literal === null) return value === literal ? 0 : undefined;
  if (typeof value === 'string' && typeof literal === 'string') return compareTexts(value, literal);
  if (value === literal) return 0;
  return value < literal ? -1 : 1;
}

function compareTexts(value: string, literal: string): number {
  // The same instant may be written in several ways.
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return Math.sign(Date.parse(value) - Date.parse(literal));
  const [left, right] = [value.toLowerCase(), literal.toLowerCase()];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function readLiteral(scanner: Scanner, column: Column): ColumnValue | bigint {
  const quoted = scanner.take(stringLiteral);
  if (quoted !== undefined) {
    if (column.type === 'string') return unquote(quoted);
    throw incompatible(column, 'Edm.String');
  }
  const literal = scanner.expect(bareLiteral);
  if (literal === 'null') return null;
  switch (column.type) {
    case 'boolean':
      if (literal === 'true' || literal === 'false') return literal === 'true';
      break;
    case 'picklist':
    case 'integer':
      if (/^-?\d{1,10}$/.test(literal)) return Number(literal);
      break;
    case 'bigint':
      if (/^-?\d{1,19}$/.test(literal)) return BigInt(literal);
      break;
    case 'guid':
      if (guidPattern.test(literal)) return literal.toLowerCase();
      break;
    case 'date':
    case 'datetime':
      if (/^\d{4}-\d\d-\d\d/.test(literal) && !Number.isNaN(Date.parse(literal))) return literal;
      break;
    case 'string':
      break;
  }
  throw incompatible(column, literal);
}

function unquote(text: string): string {
  return text.replaceAll("''", "'");
}

function incompatible(column: Column, operand: string) {
  return badQuery(
    `A binary operator with incompatible types was detected. Found operand types '${column.type}' ` +
      `and '${operand}'.`,
  );
}
