import { runProgram } from '../command-line/run-program.ts';
import type { Surroundings } from '../command-line/surroundings.ts';
import { checkCommand } from './check/command.ts';
import type { Command } from './command-context.ts';
import { importCommand } from './import/command.ts';
import { removeCommand } from './remove/command.ts';
import { setupCommand } from './setup/command.ts';
import { readTarget } from './target.ts';
import { verifyCommand } from './verify/command.ts';

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
export function runDynamicsCommand(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  return runProgram(args, surroundings, {
    name: 'dynamics',
    about: 'Prepares a Dynamics 365 organisation for ConsentHub, and looks after it.',
    commands: COMMANDS,
    commonHelp: COMMON_HELP,
    contextOf: (common, parsed) => ({
      ...common,
      target: (parts) => readTarget(parts, { ...surroundings, ...parsed }),
    }),
  });
}
