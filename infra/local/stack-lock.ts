import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another stack uses the same state directory. */
export class StackRunningError extends Error {
  override readonly name = 'StackRunningError';
}

/**
 * Makes sure that only one stack uses a state directory. The lock is the operating system's, held
 * through an open SQLite file, so that it ends with the process however that ends; a file with a
 * process id would outlive a crash.
 *
 * @throws StackRunningError
 */
export function lockStack(stateDirectory: string): Disposable {
  const file = new DatabaseSync(join(stateDirectory, LOCK_FILE));
  try {
    file.exec('begin exclusive');
  } catch {
    file.close();
    throw new StackRunningError(
      'a local stack is running in this checkout already: stop it first (Ctrl-C in its terminal)',
    );
  }
  return { [Symbol.dispose]: () => file.close() };
}

/** Stays when the state is wiped: it is what guards the wiping. */
export const LOCK_FILE = 'lock';
