import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, expect, test } from 'vitest';
import { demonstrateConsent } from '../../infra/local/demonstration/consent.ts';
import { demonstrateContacts } from '../../infra/local/demonstration/contacts.ts';
import { readLatencies } from '../../infra/local/latencies.ts';
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

  const controlUrl = details.dataverseControlUrl ?? '';
  const journeys = await demonstrateContacts(details, controlUrl, never);
  expect(journeys).toHaveLength(3);
  for (const journey of journeys) {
    expect(journey).toMatchObject({ webhookStatus: 200, patientId: expect.any(String) });
  }
  const { contactId = '', patientId = '' } = journeys[0] ?? {};
  const consent = await demonstrateConsent(details, controlUrl, { contactId, patientId }, never);
  expect(consent).toMatchObject({ marketingEmail: true, consentStatus: expect.any(Number) });

  const lambda = new LambdaClient({
    endpoint: details.lambdaEndpoint,
    region: details.region,
    credentials: details,
  });
  const swept = await lambda.send(new InvokeCommand({ FunctionName: 'sweep' }));
  lambda.destroy();
  expect(swept).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
  expect(swept.FunctionError).toBeUndefined();
  expect(swept.Payload?.transformToString()).toContain('"rung":');

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
  expect(await readLatencies(stack.logDirectory)).toMatchObject([
    { direction: 'inbound', count: 3 },
    { direction: 'outbound' },
  ]);

  stack = await start();
  expect(stack.details.organizationId).toBe(details.organizationId);
  expect(stack.details.dataverseOrganizationId).toBe(details.dataverseOrganizationId);
  expect(stack.details.webhookSecret).toBe(details.webhookSecret);
  await stack.stop();
});
