import { DataverseError } from '../../shared/dataverse/errors.ts';
import { problemOf } from '../../shared/dataverse/problem.ts';
import { LoggableError } from '../../shared/errors/loggable-error.ts';
import { CommandError } from './command-error.ts';

/** What to say of an error. Never the words of a driver or of Dataverse: they can repeat what was sent. */
export function messageOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof LoggableError) return error.message;
  if (error instanceof DataverseError) {
    const { code, message, remedy } = problemOf(error);
    return code === 'unexpected' ? `${error.message}.` : `${message}\n${remedy}`;
  }
  const name = error instanceof Error ? error.name : 'unknown';
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return `Failed: ${name}${code}`;
}
