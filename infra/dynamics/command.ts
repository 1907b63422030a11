import type { ParseArgsOptionsConfig } from 'node:util';
import { DataverseError } from '../../shared/dataverse/errors.ts';
import { problemOf } from '../../shared/dataverse/problem.ts';
import { LoggableError } from '../../shared/errors/loggable-error.ts';
import { type Arguments, type Options, parseArguments } from './arguments.ts';
import { checkCommand } from './check/command.ts';
import { CommandError } from './command-error.ts';
import { createConfirm } from './confirm.ts';
import { importCommand } from './import/command.ts';
import { removeCommand } from './remove/command.ts';
import { setupCommand } from './setup/command.ts';
import type { Surroundings } from './surroundings.ts';
import { type Part, readTarget, type Target } from './target.ts';
import { verifyCommand } from './verify/command.ts';

/** What a command is given to work with. */
export interface CommandContext {
  readonly options: Options;
  readonly json: boolean;
  /** What the command needs of the organisation. @throws CommandError which names all that is missing */
  readonly target: <P extends Part>(parts: readonly P[]) => Target<P>;
  /** True if the answer is yes, or `--yes` was said. @throws CommandError where nobody can answer */
  readonly confirm: (question: string) => Promise<boolean>;
  /** A line or more on standard output; with `json`, call it once, with JSON. */
  readonly say: (text: string) => void;
  readonly complain: (text: string) => void;
  /** Aborted when the person at the keyboard wants it to end (Ctrl-C); a second time ends it at once. */
  readonly interruption: AbortSignal;
  /** Where a bar can be drawn; undefined if nobody looks. */
  readonly terminal: NodeJS.WritableStream | undefined;
}

/** One command: a folder of its own beside this file. */
export interface Command {
  /** One line of the overview. */
  readonly summary: string;
  /** Its own options, beside the common ones. */
  readonly options: ParseArgsOptionsConfig;
  /** Its options in words, a line each; empty if it has none. */
  readonly help: string;
  /** The exit status where it could not do its work; absent: 1. */
  readonly failureStatus?: number;
  /** @returns the exit status: 0 for success */
  run(context: CommandContext): Promise<number>;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['setup', setupCommand],
  ['check', checkCommand],
  ['import', importCommand],
  ['verify', verifyCommand],
  ['remove', removeCommand],
]);

const COMMON_HELP = `  --local  the local stack that npm start runs, instead of the organisation of the environment
  --yes    answer every question with yes
  --json   for scripts
  --help   this text

Without --local these variables say which organisation: DYNAMICS_ORG_URL, DYNAMICS_CLIENT_ID,
DYNAMICS_CLIENT_SECRET, DYNAMICS_TENANT_ID (optional), DYNAMICS_AUTHORITY_URL (optional),
DYNAMICS_WEBHOOK_SECRET, DATABASE_URL. More: docs/dynamics-administrator.md`;

/** Runs one command line. Returns the exit status: 0 for success. */
export async function runDynamicsCommand(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { say, complain } = surroundings;
  let parsed: Arguments;
  try {
    parsed = parseArguments(args, (name) => COMMANDS.get(name)?.options);
    if (parsed.name === undefined && !parsed.help) {
      throw new CommandError(`Say what to do: ${[...COMMANDS.keys()].join(', ')}`);
    }
  } catch (error) {
    complain(`${messageOf(error)}\nMore: npm run dynamics -- --help`);
    return COMMANDS.get(args[0] ?? '')?.failureStatus ?? 1;
  }
  const command = COMMANDS.get(parsed.name ?? '');
  if (command === undefined || parsed.help) {
    say(command === undefined ? overview() : helpOf(parsed.name ?? '', command));
    return 0;
  }
  try {
    return await command.run({
      options: parsed,
      json: parsed.json,
      target: (parts) => readTarget(parts, { ...surroundings, ...parsed }),
      confirm: createConfirm(parsed.yes, surroundings.answer),
      say,
      complain,
      interruption: surroundings.interruption ?? new AbortController().signal,
      terminal: surroundings.terminal,
    });
  } catch (error) {
    complain(messageOf(error));
    return command.failureStatus ?? 1;
  }
}

function overview(): string {
  const width = Math.max(...[...COMMANDS.keys()].map((name) => name.length));
  const lines = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'Prepares a Dynamics 365 organisation for ConsentHub, and looks after it.',
    '',
    '  npm run dynamics -- <command> [options]',
    '',
    ...lines,
    '',
    COMMON_HELP,
  ].join('\n');
}

function helpOf(name: string, { summary, help }: Command): string {
  const usage = `  npm run dynamics -- ${name} [options]`;
  return [summary, '', usage, '', ...(help === '' ? [] : [help]), COMMON_HELP].join('\n');
}

/** Never the words of a driver or of Dataverse: they can repeat what was sent. */
function messageOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof LoggableError) return error.message;
  if (error instanceof DataverseError) {
    const { code, message, remedy } = problemOf(error);
    return code === 'unexpected' ? `${error.message}.` : `${message}\n${remedy}`;
  }
  const name = error instanceof Error ? error.name : 'unknown';
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return `Failed: ${name}${code}`;
}
