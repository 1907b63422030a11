import { DataverseError, DataverseUnavailable } from '../../shared/dataverse/errors.ts';
import { problemOf } from '../../shared/dataverse/problem.ts';
import { DatabaseUnavailable } from '../../shared/database/database.ts';
import { LoggableError } from '../../shared/errors/loggable-error.ts';
import { awsProblemOf } from './aws-problem.ts';
import { CommandError } from './command-error.ts';

export const NO_DATABASE = {
  message: "ConsentHub's database does not answer.",
  remedy:
    'Look at the status of the Neon project, and at DATABASE_URL; with --local, start the stack again. Then run this again.',
} as const;

/** What to say of an error. Never the words of a driver or of Dataverse: they can repeat what was sent. */
export function messageOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof LoggableError) return error.message;
  if (error instanceof DataverseError) {
    const { code, message, remedy } = problemOf(error);
    if (code === 'unexpected') return `${error.message}.`;
    // What is said of the functions, which try again by themselves, is not true of a command.
    const later =
      error instanceof DataverseUnavailable ? '\nThis command does not wait: run it again.' : '';
    return `${message}\n${remedy}${later}`;
  }
  if (error instanceof DatabaseUnavailable) return `${NO_DATABASE.message} ${NO_DATABASE.remedy}`;
  if (!(error instanceof Error)) return 'Failed: unknown';
  if (error.name === 'AbortError') return 'Interrupted.';
  const awsProblem = awsProblemOf(error);
  if (awsProblem !== undefined) return awsProblem;
  const code: unknown = 'code' in error ? error.code : undefined;
  const known = typeof code === 'string' || typeof code === 'number' ? ` (${code})` : '';
  return `Failed: ${error.name}${known}`;
}
