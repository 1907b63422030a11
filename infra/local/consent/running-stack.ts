import * as z from 'zod';
import { isLoopbackUrl } from '../../../shared/dataverse/organization-url.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { readRunningStack as readStack } from '../../command-line/running-stack.ts';

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
  const stack = readStack(file, runningStack);
  if (!allowRemote && !isLoopbackUrl(stack.databaseUrl)) {
    throw new CommandError(
      "The stack's database is not on this machine: a real patient's consent would change. " +
        'Say --allow-remote if that is what you want',
    );
  }
  return stack;
}
