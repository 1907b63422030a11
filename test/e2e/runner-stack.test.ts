import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demonstrate } from '../../infra/local/demonstration.ts';
import { type Stack, startStack } from '../../infra/local/stack.ts';

const stateDirectory = mkdtempSync(join(tmpdir(), 'stack-'));
const never = new AbortController().signal;
let stack: Stack | undefined;

afterAll(async () => {
  await stack?.stop({ force: true });
  rmSync(stateDirectory, { recursive: true, force: true });
});

const start = (): Promise<Stack> => startStack({ port: 0, stateDirectory, environment: {} });

/** Process ids whose parent is this process or that a function of the stack runs in. */
const functionProcesses = (running: Stack): number[] =>
  running.cloud.functions.flatMap((entry) => entry.processIds());

test('the synthesised template runs, survives a restart and leaves nothing behind', async () => {
  stack = await start();
  const { details } = stack;
  const file = join(stateDirectory, 'stack.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(details);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await expect(start()).rejects.toThrow('is running in this checkout already');

  const journeys = await demonstrate(details, details.dataverseControlUrl ?? '', never);
  expect(journeys).toHaveLength(3);
  for (const journey of journeys) {
    expect(journey).toMatchObject({ webhookStatus: 200, patientId: expect.any(String) });
  }
  for (const log of readdirSync(stack.logDirectory)) {
    const text = readFileSync(join(stack.logDirectory, log), 'utf8');
    expect(text).not.toMatch(/@example\.com|Avery|Placeholder|555 01/);
    for (const line of text.split('\n').filter((entry) => entry !== '')) JSON.parse(line);
  }
  const processIds = functionProcesses(stack);
  expect(processIds.length).toBeGreaterThan(0);
  await stack.stop();
  expect(existsSync(file)).toBe(false);
  for (const id of processIds) expect(() => process.kill(id, 0)).toThrow('ESRCH');

  stack = await start();
  expect(stack.details.organizationId).toBe(details.organizationId);
  expect(stack.details.dataverseOrganizationId).toBe(details.dataverseOrganizationId);
  expect(stack.details.webhookSecret).toBe(details.webhookSecret);
  await stack.stop();
});
