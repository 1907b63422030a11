import type { ParseArgsOptionsConfig } from 'node:util';
import { CommandError } from './command-error.ts';
import { parseCommandLine } from './parse-command-line.ts';

/** The options that every command takes. */
const COMMON = {
  local: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsOptionsConfig;

const COMMON_FLAGS: ReadonlySet<string> = new Set(Object.keys(COMMON).map((name) => `--${name}`));

/** What a command takes beside the common options. */
export interface Accepted {
  readonly options: ParseArgsOptionsConfig;
  /** How many words may follow its name; absent: none. */
  readonly maxWords?: number;
}

/** Words and values of the options of one command line, by the names that the command gave them. */
export interface Options {
  /** What follows the command's name. */
  readonly words: readonly string[];
  /** Undefined if the option was not given. */
  text(name: string): string | undefined;
  flag(name: string): boolean;
}

export interface Arguments extends Options {
  /** The command; undefined where none was said. */
  readonly name: string | undefined;
  readonly local: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/**
 * Reads a command line. Pure.
 *
 * @param acceptedBy what a command takes; undefined if there is no such command
 * @throws CommandError
 */
export function parseArguments(
  args: readonly string[],
  acceptedBy: (name: string) => Accepted | undefined,
): Arguments {
  // Common options may stand before the command; what follows depends on it.
  const position = args.findIndex((arg) => !COMMON_FLAGS.has(arg));
  const first = args[position];
  const name = first === undefined || first.startsWith('-') ? undefined : first;
  const accepted = name === undefined ? { options: {} } : acceptedBy(name);
  if (accepted === undefined) throw new CommandError(`${name}: not understood`);
  const { options, maxWords = 0 } = accepted;
  const { values, positionals } = parseCommandLine({
    args: name === undefined ? [...args] : args.toSpliced(position, 1),
    allowPositionals: true,
    options: { ...COMMON, ...options },
  });
  const tooMany = positionals.slice(maxWords);
  if (tooMany.length > 0) throw new CommandError(`${tooMany.join(' ')}: not understood`);
  const value = (option: string): unknown =>
    Object.entries(values).find(([one]) => one === option)?.[1];
  const flag = (option: string): boolean => value(option) === true;
  return {
    name,
    words: positionals,
    local: flag('local'),
    yes: flag('yes'),
    json: flag('json'),
    help: flag('help'),
    flag,
    text: (option) => {
      const given = value(option);
      return typeof given === 'string' ? given : undefined;
    },
  };
}
