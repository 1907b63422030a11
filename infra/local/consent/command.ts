import { DataverseError } from '../../../shared/dataverse/errors.ts';
import { type ConsentArguments, parseArguments } from './arguments.ts';
import { changeConsent } from './change-consent.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { openConsentHubDatabase } from './consenthub-database.ts';
import { outcomeAsJson, outcomeAsText, patientsAsText } from './report.ts';
import { readRunningStack } from './running-stack.ts';

const MAX_LISTED_PATIENTS = 20;

export const HELP = `Acts as ConsentHub against the stack that npm start runs: commits a consent, publishes the
event, and waits until the contact in Dynamics shows it.

  npm run consent -- grant  --patient <id> --channel <channel> [--expires <when>] [options]
  npm run consent -- revoke --patient <id> --channel <channel> [options]
  npm run consent -- list

  --patient <id>       id of a patient, or of its contact in Dynamics (list shows some)
  --channel <channel>  email, sms, phone or mail
  --expires <when>     30s, 10m, 12h, 2d, or an ISO 8601 time: 2027-01-31T12:00:00Z
  --no-event           commit only, as if ConsentHub crashed before it published
  --timeout <seconds>  how long to wait for Dynamics (default 30, without an event 150)
  --json               for scripts
  --local              the local stack; there is no other here
  --allow-remote       let the stack's database be on another machine
  --help               this text

Ends with status 0 if Dynamics shows the change (or no contact is linked that could).`;

/** Where the command's words go and what it acts on. */
export interface CommandContext {
  /** `.local/stack.json` of the stack. */
  readonly stackFile: string;
  readonly say: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Runs one command line. Returns the exit status: 0 or 1. */
export async function runConsentCommand(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  let parsed: ConsentArguments;
  try {
    parsed = parseArguments(args);
  } catch (error) {
    context.complain(`${messageOf(error)}\nMore: npm run consent -- --help`);
    return 1;
  }
  try {
    return await execute(parsed, context);
  } catch (error) {
    context.complain(messageOf(error));
    return 1;
  }
}

async function execute(
  request: ConsentArguments,
  { stackFile, say }: CommandContext,
): Promise<number> {
  if (request.action === 'help') {
    say(HELP);
    return 0;
  }
  const stack = readRunningStack(stackFile, request.allowRemote);
  await using database = await openConsentHubDatabase(stack.databaseUrl, stack.organizationId);
  const asJson = (value: object): string => JSON.stringify(value, undefined, 2);
  if (request.action === 'list') {
    const { patients, total } = await database.listPatients(MAX_LISTED_PATIENTS);
    say(request.json ? asJson({ patients, total }) : patientsAsText(patients, total));
    return 0;
  }
  const outcome = await changeConsent(request, database, stack);
  say(request.json ? asJson(outcomeAsJson(request, outcome)) : outcomeAsText(request, outcome));
  return outcome.latencyMs === undefined && outcome.contactId !== null ? 1 : 0;
}

function messageOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof DataverseError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === 'ECONNREFUSED') {
    return 'The stack does not answer any more. Start it again: npm start';
  }
  // A driver's own words can repeat what was sent.
  const name = error instanceof Error ? error.name : 'unknown';
  return `Failed: ${name}${code === undefined ? '' : ` (${code})`}`;
}
