import type { DynamicsConnection } from '../../shared/dataverse/connection.ts';
import type * as commandLine from '../command-line/command.ts';
import type { Recorder } from './record/recorder.ts';
import type { Target } from './target.ts';

/** What a command is given to work with. */
export interface CommandContext extends commandLine.CommonContext {
  /** The deployment that it works on, and what puts the run on record. @throws CommandError */
  readonly connect: () => Promise<Connection>;
  /** Its Dynamics, as the commands of `npm run dynamics` find it. @throws CommandError which names all that is missing */
  readonly dynamics: () => DynamicsConnection;
  /** Resolves after so many milliseconds, or when the command is interrupted. */
  readonly wait: (ms: number) => Promise<unknown>;
}

export interface Connection {
  readonly target: Target;
  readonly recorder: Recorder;
}

/** One command: a folder of its own beside this file. */
export type Command = commandLine.Command<CommandContext>;
