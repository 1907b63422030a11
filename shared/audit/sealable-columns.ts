import sealColumns from './seal-columns.sql';
import sealableColumns from './sealable-columns.sql';

/**
 * Puts the columns of a `SealableRow` where a statement says `sealable_columns`: who seals and who verifies
 * read the same text, or rows would look altered. The statement calls `audit_logs` `a`.
 */
export const withSealableColumns = (statement: string): string =>
  put('sealable_columns', sealableColumns, statement);

/** The same for the columns of a seal, `seal_columns`. The statement calls `audit_seals` `s`. */
export const withSealColumns = (statement: string): string =>
  put('seal_columns', sealColumns, statement);

function put(placeholder: string, columns: string, statement: string): string {
  const [before, after, ...more] = statement.split(placeholder);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new TypeError(`a statement does not say ${placeholder} once`);
  }
  return `${before}${columns}${after}`;
}
