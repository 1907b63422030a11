import { type Check, NOT_TRIED } from '../../../shared/connection-test/checks.ts';

/** A line of the report: a check of the connection, or one of the command's own. */
export interface CheckLine extends Omit<Check, 'name'> {
  readonly name: string;
}

const WORD_WIDTH = 'NOT TRIED'.length;

const wordOf = ({ ok, message }: Pick<Check, 'ok' | 'message'>): string =>
  ok ? 'OK' : message === NOT_TRIED ? 'NOT TRIED' : 'MISSING';

/** For people: each check, and below one that failed what to do about it. */
export function checksAsText(organization: string | null, checks: readonly CheckLine[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, ok, message, remedy }) => [
    `  ${wordOf({ ok, message }).padEnd(WORD_WIDTH)}  ${name.padEnd(width)}  ${message}`,
    ...(remedy === null ? [] : [`  ${' '.repeat(WORD_WIDTH + 2 + width)}  → ${remedy}`]),
  ]);
  const failed = checks.filter((check) => wordOf(check) === 'MISSING').length;
  const verdict = failed === 0 ? 'Nothing is missing.' : `${failed} of ${checks.length} missing.`;
  return [organization ?? 'The organisation', '', ...lines, '', verdict].join('\n');
}
