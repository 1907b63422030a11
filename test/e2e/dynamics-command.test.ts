import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runDynamicsCommand } from '../../infra/dynamics/command.ts';
import { type RunningStack, startRunningStack } from './running-stack.ts';

let stack: RunningStack;

beforeAll(async () => {
  stack = await startRunningStack();
});
afterAll(() => stack?.close());

async function dynamics(line: string) {
  const said: string[] = [];
  const complaints: string[] = [];
  const status = await runDynamicsCommand([...line.split(' '), '--local'], {
    environment: {},
    stackFile: `${stack.stateDirectory}/stack.json`,
    say: (text) => said.push(text),
    complain: (text) => complaints.push(text),
  });
  return { status, said: said.join('\n'), complaints: complaints.join('\n') };
}

describe('against the running stack', () => {
  test('nothing is missing, and a set-up leaves it so', async () => {
    expect(await dynamics('check')).toMatchObject({
      status: 0,
      complaints: '',
      said: expect.stringMatching(/Nothing is missing/),
    });
    expect(await dynamics('setup --yes')).toMatchObject({ status: 0, complaints: '' });
    const again = await dynamics('setup --yes');
    expect(again.said).toMatch(/Nothing to do: everything is there\.$/);
    expect(await dynamics('check')).toMatchObject({ status: 0 });
    for (const secret of [stack.details.webhookSecret, stack.details.clientSecret]) {
      expect(again.said).not.toContain(secret);
    }
  });
});

describe('as a process', () => {
  const run = promisify(execFile);
  const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const command = ['--import', path('infra/sql-modules.ts'), path('infra/dynamics/main.ts')];

  test('helps', async () => {
    const { stdout } = await run(process.execPath, [...command, '--help']);
    expect(stdout).toContain('npm run dynamics -- <command>');
    const setup = await run(process.execPath, [...command, 'setup', '--help']);
    expect(setup.stdout).toContain('--webhook-url');
  });

  test('ends with status 1 and names all that it lacks', async () => {
    const failure = run(process.execPath, [...command, 'setup', '--yes'], { env: {} });
    await expect(failure).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Missing: DYNAMICS_ORG_URL, .*--webhook-url/),
    });
  });
});
