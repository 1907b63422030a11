import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { runProgram } from '../command-line/run-program.ts';
import type { Surroundings } from '../command-line/surroundings.ts';
import { readTarget } from '../dynamics/target.ts';
import { rotateWebhookSecretCommand } from './rotate-webhook-secret/command.ts';
import { createDatabase } from '../../shared/database/database.ts';
import { auditCommand } from './audit/command.ts';
import type { Command } from './command-context.ts';
import { deadLettersCommand } from './dead-letters/command.ts';
import { pauseCommand } from './pause/command.ts';
import { replayCommand } from './replay/command.ts';
import { resumeCommand } from './resume/command.ts';
import { connectAws, connectLocal } from './target.ts';
import { createRecorder } from './record/recorder.ts';
import { statusCommand } from './status/command.ts';

/** What a command line of the people on call runs in. */
export interface OpsSurroundings extends Surroundings {
  /** Who is signed in to this machine: on record for what is done to the local stack. */
  readonly userName: string;
  /** Resolves after so many milliseconds; absent: when they are over. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['status', statusCommand],
  ['dead-letters', deadLettersCommand],
  ['replay', replayCommand],
  ['pause', pauseCommand],
  ['resume', resumeCommand],
  ['rotate-webhook-secret', rotateWebhookSecretCommand],
  ['audit', auditCommand],
]);

const COMMON_HELP = `  --local  the local stack that npm start runs, instead of the deployment in AWS
  --yes    answer every question with yes
  --json   for scripts
  --help   this text

Without --local: the credentials and the region that AWS's tools use (AWS_PROFILE, AWS_REGION …), and
DATABASE_URL. Every run is on record in the audit trail. More: docs/operations.md`;

/** Runs one command line. Returns the exit status: 0 for success. */
export async function runOpsCommand(
  args: readonly string[],
  surroundings: OpsSurroundings,
): Promise<number> {
  await using resources = new AsyncDisposableStack();
  return await runProgram(args, surroundings, {
    name: 'ops',
    about: 'Looks after the bridge between ConsentHub and Dynamics 365, for the people on call.',
    commands: COMMANDS,
    commonHelp: COMMON_HELP,
    contextOf: (common, parsed) => ({
      ...common,
      dynamics: () => readTarget(['dynamics'], { ...surroundings, ...parsed }).dynamics,
      wait:
        surroundings.wait ??
        ((ms) => delay(ms, undefined, { signal: common.interruption }).catch(() => undefined)),
      connect: async () => {
        const target = parsed.local
          ? connectLocal(surroundings.stackFile, surroundings.userName)
          : await connectAws(surroundings.environment);
        resources.defer(async () => target.close());
        const recorder = createRecorder({
          database: createDatabase(target.database),
          operator: target.operator,
          newId: randomUUID,
          complain: common.complain,
        });
        return { target, recorder };
      },
    }),
  });
}
