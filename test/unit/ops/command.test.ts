import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runOpsCommand } from '../../../infra/ops/command.ts';

async function ops(...args: string[]) {
  const said: string[] = [];
  const complaints: string[] = [];
  const status = await runOpsCommand(args, {
    environment: {},
    stackFile: '/nowhere/stack.json',
    userName: 'grace',
    say: (text) => said.push(text),
    complain: (text) => complaints.push(text),
  });
  return { status, said: said.join('\n'), complaints: complaints.join('\n') };
}

test('it helps', async () => {
  expect((await ops('--help')).said).toContain('npm run ops -- <command>');
  expect((await ops('dead-letters', '--help')).said).toContain('show <id> | redrive [<id>]');
});

test.each([
  [[], 1, /^Say what to do: status, dead-letters/],
  [['paint'], 1, /^paint: not understood/],
  [['dead-letters'], 1, /^Say what to do: list/],
  [['dead-letters', 'eat'], 1, /^Say what to do: list/],
  [['dead-letters', 'show'], 1, /^Say which one/],
  [['dead-letters', 'list', 'one'], 1, /^one: not understood/],
  [['replay'], 1, /^Say which one/],
  [['replay', '--contact', 'x'], 1, /^x: not an id/],
  [['replay', '--contact', 'x', '--patient', 'y'], 1, /^Say which one/],
  [['audit'], 2, /^Say what to do: verify/],
  [['audit', 'export'], 2, /^Say whose/],
  [['dead-letters', 'show', 'jane@example.test'], 1, /^jane@example.test: not the id of a message/],
  [['dead-letters', 'redrive', 'x'], 1, /^x: not the id of a message/],
  [['audit', 'export', '--patient', 'x'], 2, /^x: not an id/],
  [['audit', 'verify', '--patient', 'x'], 2, /^--patient belongs to audit export/],
  [['audit', 'export', '--head', 'x'], 2, /^--head belongs to audit verify/],
  [['audit', 'verify', '--head', '7:x'], 2, /^7:x: not a head/],
  [['status', '--local'], 2, /^No stack is running/],
  [['status'], 2, /^Missing: DATABASE_URL/],
])('%j ends with status %i', async (args, status, reason) => {
  expect(await ops(...args)).toEqual({
    status,
    said: '',
    complaints: expect.stringMatching(reason),
  });
});

test('a stack that was killed is told from one that runs', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'consenthub-ops-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const stackFile = join(directory, 'stack.json');
  const complaintOf = async (pid: number): Promise<string> => {
    writeFileSync(stackFile, JSON.stringify({ pid }));
    const complaints: string[] = [];
    await runOpsCommand(['status', '--local'], {
      environment: {},
      stackFile,
      userName: 'grace',
      say: () => {},
      complain: (text) => complaints.push(text),
    });
    return complaints.join();
  };
  const { pid: over } = spawnSync(process.execPath, ['--version']);
  expect(await complaintOf(over)).toMatch(/^No stack is running: the last one was killed/);
  expect(await complaintOf(process.pid)).toMatch(/^The running stack does not say region/);
});
