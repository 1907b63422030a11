import { CommandError } from '../command-line/command-error.ts';
import { parseCommandLine } from '../command-line/parse-command-line.ts';

export const HELP = `Deploys the bridge between ConsentHub and Dynamics 365 to AWS: looks whether everything is there, shows
what would change, asks, deploys the stack of the secrets and then the one that moves.

  npm run deploy -- --stage dev

  --stage <dev|prod>   which stage; the account of the credentials has to be its own
  --parameters <file>  JSON of the stack's parameters; absent: infra/deploy/parameters/<stage>.json
  --dry-run            ends after showing what would change
  --yes                answer every question with yes
  --help               this text

Credentials and region are those that AWS's tools use (AWS_PROFILE, AWS_REGION …). More: docs/deploy.md`;

export interface DeployArguments {
  /** Undefined only with `help`. */
  readonly stage: string | undefined;
  /** Path of the file with the parameters; undefined: the one of the stage. */
  readonly parameters: string | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly help: boolean;
}

/**
 * Reads the command line. Pure.
 *
 * @throws CommandError
 */
export function parseDeployArguments(args: readonly string[]): DeployArguments {
  const { values } = parseCommandLine({
    args: [...args],
    options: {
      stage: { type: 'string' },
      parameters: { type: 'string' },
      'dry-run': { type: 'boolean' },
      yes: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const { stage, parameters, help = false, yes = false, 'dry-run': dryRun = false } = values;
  // Never a default: which account something lands in is not for guessing.
  if (!help && stage !== 'dev' && stage !== 'prod') {
    throw new CommandError('Say which stage: --stage dev or --stage prod.');
  }
  return { stage, parameters, dryRun, yes, help };
}
