import type { ParseArgsOptionsConfig } from 'node:util';
import type { Options } from './arguments.ts';

/** What every command is given to work with. */
export interface CommonContext {
  readonly options: Options;
  readonly json: boolean;
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

/** One command of a program: a folder of its own. */
export interface Command<Context extends CommonContext> {
  /** One line of the overview. */
  readonly summary: string;
  /** The words that may follow its name; absent: none. */
  readonly words?: { readonly usage: string; readonly max: number };
  /** Its own options, beside the common ones. */
  readonly options: ParseArgsOptionsConfig;
  /** Its words and options, a line each; empty if it has none. */
  readonly help: string;
  /** The exit status where it could not do its work; absent: 1. */
  readonly failureStatus?: number;
  /** @returns the exit status: 0 for success */
  run(context: Context): Promise<number>;
}
