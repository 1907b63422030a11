import sealableColumns from './sealable-columns.sql';

const PLACEHOLDER = 'sealable_columns';

/**
 * Puts the columns of a `SealableRow` where a statement says `sealable_columns`: who seals and who verifies
 * read the same text, or rows would look altered. The statement calls `audit_logs` `a`.
 */
export function withSealableColumns(statement: string): string {
  const [before, after, ...more] = statement.split(PLACEHOLDER);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new TypeError(`a statement does not say ${PLACEHOLDER} once`);
  }
  return `${before}${sealableColumns}${after}`;
}
