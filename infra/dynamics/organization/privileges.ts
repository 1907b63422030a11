import { DataverseForbidden } from '../../../shared/dataverse/errors.ts';
import { CommandError } from '../../command-line/command-error.ts';

const REMEDY =
  'the application user may not do this. For as long as it runs the command needs the security role ' +
  'System Customizer, for the secure configuration of steps System Administrator ' +
  '(docs/dynamics-administrator.md). Give it the role and run this again: it goes on where it stopped.';

/**
 * Runs something that needs more than the daily work does, and says so if that is refused.
 *
 * @param what what was being done
 * @throws CommandError, and what `run` throws
 */
export async function withPrivileges<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DataverseForbidden) throw new CommandError(`${what}: ${REMEDY}`);
    throw error;
  }
}
