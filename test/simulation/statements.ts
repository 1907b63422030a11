import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MARK_OWN_WRITE } from '../../shared/database/own-write.ts';

const SHARED = fileURLToPath(new URL('../../shared', import.meta.url));

const NAMES: ReadonlyMap<string, string> = new Map([
  [MARK_OWN_WRITE.text, 'mark-own-write'],
  ...globSync('**/*.sql', { cwd: SHARED, exclude: ['**/migrations'] }).map(
    (file): [string, string] => [
      readFileSync(path.join(SHARED, file), 'utf8'),
      path.basename(file, '.sql'),
    ],
  ),
]);

/** A statement is called by its file. */
export function statementName(text: string): string {
  const name = NAMES.get(text);
  if (name === undefined) throw new TypeError('a statement that stands in no file of its own');
  return name;
}
