import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { CommandError } from './command-error.ts';

/** The process of the stack: one that was killed leaves its file. */
const owner = z.object({ pid: z.number() });

/**
 * What the stack that runs now says of itself.
 *
 * @param file `.local/stack.json`
 * @param schema what is needed of it
 * @throws CommandError
 */
export function readRunningStack<T>(file: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new CommandError('No stack is running. Start one in another terminal: npm start');
  }
  const details: unknown = JSON.parse(text);
  const { data: { pid } = {} } = owner.safeParse(details);
  if (pid !== undefined && !isRunning(pid)) {
    throw new CommandError(
      'No stack is running: the last one was killed. Start one in another terminal: npm start',
    );
  }
  const parsed = schema.safeParse(details);
  if (parsed.success) return parsed.data;
  const missing = [...new Set(parsed.error.issues.map((issue) => issue.path.join('.')))];
  throw new CommandError(
    `The running stack does not say ${missing.join(', ')}: it is of another version. Start it again: npm start`,
  );
}

function isRunning(pid: number): boolean {
  try {
    // Signal 0 only asks.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
