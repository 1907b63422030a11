import type * as commandLine from '../command-line/command.ts';
import type { Part, Target } from './target.ts';

/** What a command is given to work with. */
export interface CommandContext extends commandLine.CommonContext {
  /** What the command needs of the organisation. @throws CommandError which names all that is missing */
  readonly target: <P extends Part>(parts: readonly P[]) => Target<P>;
}

/** One command: a folder of its own beside this file. */
export type Command = commandLine.Command<CommandContext>;
