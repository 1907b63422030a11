import * as z from 'zod';
import { createDatabase } from '../../../shared/database/database.ts';
import type { Target } from '../target.ts';
import readPauseStatement from './read-pause.sql';

const pauseRow = z.object({ operator: z.string(), at: z.string() });

/** Who ran `pause`, and when (UTC). */
export type Pause = z.output<typeof pauseRow>;

/** The pause that nobody has ended; undefined if there is none, or the database does not answer. */
export async function readPause({
  database,
}: Pick<Target, 'database'>): Promise<Pause | undefined> {
  try {
    const [row] = await createDatabase(database).query(readPauseStatement, []);
    return row && pauseRow.parse(row);
  } catch {
    return undefined;
  }
}
