import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runDynamicsCommand } from '../../infra/dynamics/command.ts';
import { startRunningStack } from './running-stack.ts';

let it: Awaited<ReturnType<typeof startRunningStack>>;
beforeAll(async () => {
  it = await startRunningStack();
  // No webhook arrives.
  await it.control('PUT', '/webhook', { url: 'http://127.0.0.1:9/', secret: 'none' });
});
afterAll(async () => {
  await it?.close();
});

const person = (n: number) => ({ firstname: 'Lin', lastname: `Fictitious${n}` });
const stackFile = () => path.join(it.stateDirectory, 'stack.json');
const linked = async () =>
  Number(
    (
      await it.sql<{ n: number }>(
        'select count(*)::int as n from dynamics_contacts where patient_id is not null',
      )
    )[0]?.n,
  );

/** `npm run dynamics -- import --local`, and what it said. */
async function importContacts(...args: string[]) {
  const said: string[] = [];
  const complained: string[] = [];
  const status = await runDynamicsCommand(['import', '--local', ...args], {
    environment: {},
    stackFile: stackFile(),
    say: (text) => said.push(text),
    complain: (text) => complained.push(text),
  });
  return { status, said: said.join('\n'), complained: complained.join('\n') };
}

test('the command reads all contacts, and again on request', async () => {
  for (let n = 0; n < 12; n += 1) await it.create(person(n));
  const first = await importContacts('--json');
  expect(first).toMatchObject({ status: 0 });
  expect(JSON.parse(first.said)).toMatchObject({ outcome: 'finished', counts: { created: 12 } });
  expect(await linked()).toBe(12);

  const second = await importContacts('--again');
  expect(second).toMatchObject({ status: 0 });
  expect(second.said).toContain('Read 12 contacts on 2 pages');
  expect(second.said).toContain('Everything is read.');
});

test('a new epoch is asked about first', async () => {
  expect(await importContacts('--new-epoch')).toMatchObject({
    status: 1,
    complained: expect.stringContaining('say --yes to agree'),
  });
  expect(await importContacts('--new-epoch', '--yes')).toMatchObject({ status: 0 });
  expect(await importContacts('--max-missing', 'many')).toMatchObject({
    status: 1,
    complained: '--max-missing: a number from 0 to 100',
  });
});

test('the scheduled function brings what no webhook told of', { tags: ['fault-25'] }, async () => {
  await it.create(person(99));
  await it.invoke('reconcile-contacts');
  await it.until(linked, (count) => count === 13);
});

test('the script starts, and says what it can do', async () => {
  const { stdout } = await promisify(execFile)('npm', [
    'run',
    '-s',
    'dynamics',
    '--',
    'import',
    '--help',
  ]);
  expect(stdout).toContain('--new-epoch');
});
