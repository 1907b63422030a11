import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import { CommandError } from './command-error.ts';

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
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const missing = [...new Set(parsed.error.issues.map((issue) => issue.path.join('.')))];
  throw new CommandError(
    `The running stack does not say ${missing.join(', ')}: it is of another version. Start it again: npm start`,
  );
}
