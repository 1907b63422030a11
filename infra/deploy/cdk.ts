import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../command-line/command-error.ts';

/** The CDK's command line; what it says goes to the terminal. */
export interface Cdk {
  /** Builds bundles and templates of a stage. @returns the directory they are in */
  synthesize(stage: string): Promise<string>;
  /** Shows what deploying a stack would change. */
  diff(assembly: string, stack: string): Promise<void>;
  /** Deploys one stack, and none that it depends on. @throws CommandError */
  deploy(
    assembly: string,
    stack: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<void>;
}

const PROJECT = new URL('../../', import.meta.url);
const BINARIES = fileURLToPath(new URL('node_modules/.bin', PROJECT));
const CDK = fileURLToPath(new URL('node_modules/aws-cdk/bin/cdk', PROJECT));
const ASSEMBLY = 'cdk.out';

export function createCdk(): Cdk {
  return {
    async synthesize(stage) {
      await run(['synth', '--quiet', '--context', `stage=${stage}`, '--output', ASSEMBLY]);
      return fileURLToPath(new URL(ASSEMBLY, PROJECT));
    },
    // Compared with the deployed template: a change set would ask for the parameters, and writes.
    diff: (assembly, stack) =>
      run(['diff', stack, '--app', assembly, '--exclusively', '--method', 'template']),
    deploy: (assembly, stack, parameters) =>
      run([
        'deploy',
        stack,
        '--app',
        assembly,
        '--exclusively',
        // Asked for already, after the differences were shown.
        '--require-approval',
        'never',
        ...Object.entries(parameters).flatMap(([name, value]) => [
          '--parameters',
          `${stack}:${name}=${value}`,
        ]),
      ]),
  };
}

async function run(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [CDK, ...args, '--no-notices'], {
    cwd: fileURLToPath(PROJECT),
    env: {
      ...process.env,
      // The app is started by the name `node`, which has to be the project's own.
      PATH: `${BINARIES}${delimiter}${process.env['PATH']}`,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
    },
    stdio: 'inherit',
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new CommandError(`cdk ${args[0]} failed; what it said is above.`);
}
