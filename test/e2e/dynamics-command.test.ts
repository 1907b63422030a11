import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runDynamicsCommand } from '../../infra/dynamics/command.ts';
import { isMonoAvailable, NO_MONO } from '../simulators/dataverse/plugin-host/compile.ts';
import { compileSigningPlugin } from '../support/signing-plugin.ts';
import { type RunningStack, startRunningStack } from './running-stack.ts';

const mono = await isMonoAvailable();
if (!mono) {
  process.stderr.write(`Nothing is set up with the signing plug-in itself. ${NO_MONO}\n`);
}

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

describe.skipIf(!mono)('from nothing', () => {
  test('setup, check, and a contact arrives through the plug-in; a second setup plans nothing', async () => {
    expect(await dynamics('remove --yes')).toMatchObject({ status: 0, complaints: '' });
    const bare = await dynamics('check');
    expect(bare.status).toBe(1);
    expect(bare.said).toContain('npm run dynamics -- setup');

    const assembly = `${stack.stateDirectory}/ConsentHub.Dynamics.dll`;
    await writeFile(assembly, await compileSigningPlugin(), 'base64');
    const setup = `setup --yes --assembly ${assembly}`;
    expect(await dynamics(setup)).toMatchObject({ status: 0, complaints: '' });
    expect(await dynamics('check')).toMatchObject({ status: 0, complaints: '' });

    const contactId = await stack.create({ firstname: 'Mary', lastname: 'Fictitious' });
    const patients = () =>
      stack.sql('select first_name from patients where dynamics_contact_id = $1', [contactId]);
    expect(await stack.until(patients, ({ length }) => length > 0)).toEqual([
      { first_name: 'Mary' },
    ]);
    const { deliveries } = await stack.control<{ deliveries: object[] }>('GET', '/deliveries');
    expect(deliveries).toContainEqual(
      expect.objectContaining({ contactid: contactId, statuses: ['succeeded'] }),
    );

    expect((await dynamics(setup)).said).toMatch(/Nothing to do: everything is there\.$/);
  });
});

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

  test('an edit that nobody heard of is found by a comparison, repaired on request, and gone', async () => {
    const contactId = await stack.create({ firstname: 'Lin', lastname: 'Fictitious' });
    const shows = async (column: string) =>
      (await stack.control<Record<string, unknown>>('GET', `/contacts/${contactId}`))[column];
    /** What the column shows after another ring of the clock. */
    const swept = async (column: string) => {
      await stack.invoke('sweep');
      return { value: await shows(column) };
    };
    await stack.until(
      () => swept('ch_consent_status'),
      ({ value }) => typeof value === 'number',
    );
    const agreeing = await stack.until(
      () => dynamics('verify'),
      ({ said }) => said.endsWith('Both sides agree.'),
    );
    expect(agreeing).toMatchObject({ status: 0, complaints: '' });

    // No webhook arrives any more.
    await stack.control('PUT', '/webhook', { url: 'http://127.0.0.1:9/', secret: 'none' });
    await stack.control('PATCH', `/contacts/${contactId}`, { ch_marketing_sms: true });
    const asked = await dynamics('verify --repair');
    expect(asked).toMatchObject({ status: 2, complaints: expect.stringContaining('--yes') });
    expect(asked.said).toContain(`${contactId}  consents (marketingSms)`);
    expect(await shows('ch_marketing_sms')).toBe(true);

    const repaired = await dynamics('verify --repair --yes --json --sample 10');
    expect(repaired.status).toBe(1);
    expect(JSON.parse(repaired.said)).toMatchObject({ listed: null, repaired: 1, inProgress: 0 });
    await stack.until(
      () => swept('ch_marketing_sms'),
      ({ value }) => value === false,
    );
    await stack.until(
      () => dynamics('verify'),
      ({ said }) => said.endsWith('Both sides agree.'),
    );
  });

  test('what cannot be compared is no difference', async () => {
    expect(await dynamics('verify --sample all')).toMatchObject({
      status: 2,
      complaints: '--sample: a whole number from 1',
    });
    expect(await dynamics('verify --all')).toMatchObject({ status: 2 });
    await stack.sql('update organizations set dynamics_org_id = null');
    expect(await dynamics('verify')).toMatchObject({
      status: 2,
      complaints: expect.stringContaining('No organisation of ConsentHub'),
    });
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
