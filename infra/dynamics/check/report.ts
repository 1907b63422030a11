import type { Check } from '../../../shared/connection-test/checks.ts';

/** A line of the report: a check of the connection, or one of the command's own. */
export interface CheckLine extends Omit<Check, 'name'> {
  readonly name: string;
}

/** For people: each check, and below one that failed what to do about it. */
export function checksAsText(organization: string | null, checks: readonly CheckLine[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, ok, message, remedy }) => [
    `  ${ok ? 'OK     ' : 'MISSING'}  ${name.padEnd(width)}  ${message}`,
    ...(remedy === null ? [] : [`           ${' '.repeat(width)}  → ${remedy}`]),
  ]);
  const failed = checks.filter(({ ok }) => !ok).length;
  const verdict = failed === 0 ? 'Nothing is missing.' : `${failed} of ${checks.length} missing.`;
  return [organization ?? 'The organisation', '', ...lines, '', verdict].join('\n');
}
