import { DataverseError } from '../../shared/dataverse/errors.ts';
import { problemOf } from '../../shared/dataverse/problem.ts';
import { LoggableError } from '../../shared/errors/loggable-error.ts';
import { awsProblemOf } from './aws-problem.ts';
import { CommandError } from './command-error.ts';

/** What to say of an error. Never the words of a driver or of Dataverse: they can repeat what was sent. */
export function messageOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof LoggableError) return error.message;
  if (error instanceof DataverseError) {
    const { code, message, remedy } = problemOf(error);
    return code === 'unexpected' ? `${error.message}.` : `${message}\n${remedy}`;
  }
  if (!(error instanceof Error)) return 'Failed: unknown';
  if (error.name === 'AbortError') return 'Interrupted.';
  const awsProblem = awsProblemOf(error);
  if (awsProblem !== undefined) return awsProblem;
  const code: unknown = 'code' in error ? error.code : undefined;
  const known = typeof code === 'string' || typeof code === 'number' ? ` (${code})` : '';
  return `Failed: ${error.name}${known}`;
}
