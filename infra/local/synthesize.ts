import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = new URL('../../', import.meta.url);
const BINARIES = new URL('node_modules/.bin', PROJECT);
const CDK = new URL('node_modules/aws-cdk/bin/cdk', PROJECT);

/**
 * Synthesises the CDK app, as `npm run synth` does, into a directory of its own.
 *
 * @throws Error with what the CDK said.
 */
export async function synthesize(outputDirectory: string, signal: AbortSignal): Promise<void> {
  const options = ['synth', '--quiet', '--no-notices', '--output', outputDirectory];
  const child = spawn(process.execPath, [fileURLToPath(CDK), ...options], {
    cwd: fileURLToPath(PROJECT),
    // The app is started by the name `node`, which has to be the project's own.
    env: { ...process.env, PATH: `${fileURLToPath(BINARIES)}${delimiter}${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the CDK app cannot be synthesised:\n${said.trim()}`));
    });
  });
  // Node would take the checkout's for that of the bundles, which have none, and read them as ES modules.
  writeFileSync(join(outputDirectory, 'package.json'), '{}\n');
}
