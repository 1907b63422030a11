import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { isLoopbackUrl } from '../../../shared/dataverse/organization-url.ts';
import { CommandError } from './command-error.ts';

/** What is needed of `.local/stack.json`. */
const runningStack = z.object({
  databaseUrl: z.string(),
  organizationId: z.string(),
  region: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  sqsEndpoint: z.string(),
  consentQueueUrl: z.string(),
  dataverseUrl: z.string(),
  entraUrl: z.string(),
  tenantId: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
});

export type RunningStack = z.output<typeof runningStack>;

/**
 * Where the stack that runs now has its parts.
 *
 * @param allowRemote whether another machine's database may be written.
 * @throws CommandError
 */
export function readRunningStack(file: string, allowRemote: boolean): RunningStack {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new CommandError('No stack is running. Start one in another terminal: npm start');
  }
  const parsed = runningStack.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const missing = [...new Set(parsed.error.issues.map((issue) => issue.path.join('.')))];
    throw new CommandError(
      `The running stack does not say ${missing.join(', ')}: it is of another version. Start it again: npm start`,
    );
  }
  if (!allowRemote && !isLoopbackUrl(parsed.data.databaseUrl)) {
    throw new CommandError(
      "The stack's database is not on this machine: a real patient's consent would change. " +
        'Say --allow-remote if that is what you want',
    );
  }
  return parsed.data;
}
