import { type Column, type ColumnValue, type ContactColumns, guidPattern } from '../columns.ts';
import type { Contact } from '../contacts.ts';
import { badQuery } from '../errors.ts';

export type ContactPredicate = (contact: Contact) => boolean;

/**
 * Reads a `$filter`: terms joined by `and`, each either `column eq literal` or
 * `Microsoft.Dynamics.CRM.In(PropertyName='column',PropertyValues=['…','…'])`. Anything else is
 * refused with 400: Dataverse knows more, the project uses no more.
 */
export function parseFilter(text: string, columns: ContactColumns): ContactPredicate {
  const scanner = createScanner(text, columns);
  const terms: ContactPredicate[] = [];
  do {
    terms.push(scanner.take(inCall) ? readIn(scanner) : readComparison(scanner));
  } while (scanner.take(/\s+and\s+/y));
  scanner.expectEnd();
  return (contact) => terms.every((term) => term(contact));
}

const inCall = /Microsoft\.Dynamics\.CRM\.In\(PropertyName=/y;
const stringLiteral = /'((?:[^']|'')*)'/y;
const bareLiteral = /[^\s()',]+/y;

type Scanner = ReturnType<typeof createScanner>;

function createScanner(text: string, columns: ContactColumns) {
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
      if (position < text.length) this.fail();
    },
    /** The column with a name that was taken. */
    column(name: string): Column {
      const column = columns.get(name);
      if (column) return column;
      throw badQuery(
        `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.contact'.`,
      );
    },
    fail(): never {
      throw badQuery(`Syntax error at position ${position} in the filter expression.`);
    },
  };
}

function readIn(scanner: Scanner): ContactPredicate {
  const column = scanner.column(unquote(scanner.expect(stringLiteral)));
  scanner.expect(/,PropertyValues=\[/y);
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
  return (contact) => {
    const value = valueOf(contact, column);
    return value !== null && accepted.has(String(value).toLowerCase());
  };
}

function readComparison(scanner: Scanner): ContactPredicate {
  const column = scanner.column(scanner.expect(/[a-z_][a-z0-9_]*/y));
  scanner.expect(/\s+eq\s+/y);
  const literal = readLiteral(scanner, column);
  return (contact) => same(valueOf(contact, column), literal);
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

function same(value: ColumnValue | bigint, literal: ColumnValue | bigint): boolean {
  if (typeof value !== 'string' || typeof literal !== 'string') return value === literal;
  if (value.toLowerCase() === literal.toLowerCase()) return true;
  // The same instant may be written in several ways.
  return /^\d{4}-\d\d-\d\dT/.test(value) && Date.parse(value) === Date.parse(literal);
}

function valueOf(contact: Contact, column: Column): ColumnValue | bigint {
  return column.name === 'versionnumber' ? contact.version : (contact.values[column.name] ?? null);
}

function unquote(text: string): string {
  return text.replaceAll("''", "'");
}

function incompatible(column: Column, operand: string) {
  return badQuery(
    `A binary operator with incompatible types was detected. Found operand types '${column.type}' ` +
      `and '${operand}' for operator kind 'Equal'.`,
  );
}
