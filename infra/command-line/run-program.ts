import { type Arguments, parseArguments } from './arguments.ts';
import type { Command, CommonContext } from './command.ts';
import { CommandError } from './command-error.ts';
import { createConfirm } from './confirm.ts';
import { messageOf } from './message-of.ts';
import type { Surroundings } from './surroundings.ts';

/** Several commands under one name. */
export interface Program<Context extends CommonContext> {
  /** As `npm run` knows it. */
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  readonly commands: ReadonlyMap<string, Command<Context>>;
  /** The options and variables that all commands have in common, a line each. */
  readonly commonHelp: string;
  readonly contextOf: (common: CommonContext, args: Arguments) => Context;
}

/** Runs one command line. Returns the exit status: 0 for success. */
export async function runProgram<Context extends CommonContext>(
  args: readonly string[],
  surroundings: Surroundings,
  program: Program<Context>,
): Promise<number> {
  const { say, complain } = surroundings;
  const { name, commands } = program;
  let parsed: Arguments;
  try {
    parsed = parseArguments(args, (command) => acceptedBy(commands.get(command)));
    if (parsed.name === undefined && !parsed.help) {
      throw new CommandError(`Say what to do: ${[...commands.keys()].join(', ')}`);
    }
  } catch (error) {
    complain(`${messageOf(error)}\nMore: npm run ${name} -- --help`);
    return commands.get(args.find((arg) => commands.has(arg)) ?? '')?.failureStatus ?? 1;
  }
  const command = commands.get(parsed.name ?? '');
  if (command === undefined || parsed.help) {
    say(command === undefined ? overview(program) : helpOf(program, parsed.name ?? '', command));
    return 0;
  }
  const common: CommonContext = {
    options: parsed,
    json: parsed.json,
    confirm: createConfirm(parsed.yes, surroundings.answer),
    say,
    complain,
    interruption: surroundings.interruption ?? new AbortController().signal,
    terminal: surroundings.terminal,
  };
  try {
    return await command.run(program.contextOf(common, parsed));
  } catch (error) {
    complain(messageOf(error));
    return command.failureStatus ?? 1;
  }
}

function acceptedBy<Context extends CommonContext>(command: Command<Context> | undefined) {
  return command && { options: command.options, maxWords: command.words?.max ?? 0 };
}

function overview<Context extends CommonContext>(program: Program<Context>): string {
  const { name, about, commands, commonHelp } = program;
  const width = Math.max(...[...commands.keys()].map((command) => command.length));
  const lines = [...commands].map(
    ([command, { summary }]) => `  ${command.padEnd(width)}  ${summary}`,
  );
  return [about, '', `  npm run ${name} -- <command> [options]`, '', ...lines, '', commonHelp].join(
    '\n',
  );
}

function helpOf<Context extends CommonContext>(
  { name, commonHelp }: Program<Context>,
  command: string,
  { summary, words, help }: Command<Context>,
): string {
  const usage = `  npm run ${name} -- ${[command, words?.usage ?? '', '[options]'].filter(Boolean).join(' ')}`;
  return [summary, '', usage, '', ...(help === '' ? [] : [help]), commonHelp].join('\n');
}
