import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { CommandError } from '../../../infra/command-line/command-error.ts';
import type { StackState } from '../../../infra/command-line/describe-stack.ts';
import { runDeployCommand } from '../../../infra/deploy/command.ts';
import { buildStacks } from '../infra/build-stacks.ts';

const EXAMPLE = 'infra/deploy/parameters/example.json';
const assembly = mkdtempSync(join(tmpdir(), 'consenthub-deploy-'));
afterAll(() => rmSync(assembly, { recursive: true }));
const { secrets, bridge } = buildStacks({ stage: 'dev' });
for (const stack of [secrets, bridge]) {
  const template = JSON.stringify(Template.fromStack(stack).toJSON());
  writeFileSync(join(assembly, `${stack.stackName}.template.json`), template);
}

/** An account that remembers what was deployed, and in which order. */
let stacks: Map<string, StackState>;
let filled: Set<string>;
let done: string[];
let parametersSent: Readonly<Record<string, string>>;
let deployFails: boolean;
let closed: boolean;
beforeEach(() => {
  stacks = new Map([['CDKToolkit', { status: 'CREATE_COMPLETE', stage: undefined, outputs: {} }]]);
  filled = new Set(['database-url', 'dynamics-client-secret', 'upstash-redis-rest-token']);
  [done, parametersSent, deployFails, closed] = [[], {}, false, false];
});

async function run(line: string, answer?: string) {
  const said: string[] = [];
  const complaints: string[] = [];
  const status = await runDeployCommand(
    line.split(' '),
    {
      environment: {},
      stackFile: '',
      say: (text) => said.push(text),
      complain: (text) => complaints.push(text),
      ...(answer !== undefined && { answer: async () => answer }),
    },
    {
      connect: async () => ({
        accountId: '111122223333',
        region: 'eu-central-1',
        caller: 'arn:aws:iam::111122223333:user/grace',
        describeStack: async (name) => stacks.get(name),
        // A secret exists once its stack does.
        hasValue: async (name) =>
          stacks.has('ConsentHubDynamicsSecrets') && filled.has(name.split('/')[1] ?? ''),
        concurrencyLimit: async () => 1000,
        close: () => {
          closed = true;
        },
      }),
      cdk: {
        synthesize: async (stage) => {
          done.push(`synth ${stage}`);
          return assembly;
        },
        diff: async (_assembly, name) => {
          done.push(`diff ${name}`);
        },
        deploy: async (_assembly, name, parameters) => {
          done.push(`deploy ${name}`);
          if (deployFails) throw new CommandError('cdk deploy failed; what it said is above.');
          parametersSent = parameters;
          const outputs = { WebhookUrl: 'https://a.example.test/api/dynamics/webhook' };
          stacks.set(name, { status: 'CREATE_COMPLETE', stage: 'dev', outputs });
        },
      },
    },
  );
  return { status, said: said.join('\n'), complaints: complaints.join('\n') };
}

test('a first deploy makes the secrets, waits for their values, and goes on the next time', async () => {
  filled.delete('database-url');
  const first = await run(`--stage dev --parameters ${EXAMPLE} --yes`);
  expect(first.status).toBe(1);
  expect(first.complaints).toContain('Without a value: consenthub-dynamics/database-url.');
  expect(first.complaints).not.toContain('upstash');
  expect(done).toEqual(['synth dev', 'deploy ConsentHubDynamicsSecrets']);

  filled.add('database-url');
  done = [];
  const second = await run(`--stage dev --parameters ${EXAMPLE} --yes`);
  expect(second).toMatchObject({ status: 0, complaints: '' });
  expect(done).toEqual([
    'synth dev',
    'diff ConsentHubDynamicsSecrets',
    'deploy ConsentHubDynamicsSecrets',
    'deploy ConsentHubDynamics',
  ]);
  expect(parametersSent).toMatchObject({ DynamicsOrgUrl: 'https://contoso.crm4.dynamics.com' });
  expect(second.said).toContain(
    'npm run dynamics -- setup --webhook-url https://a.example.test/api/dynamics/webhook',
  );
  expect(closed).toBe(true);
});

test('nothing is deployed while something is in the way, however much is agreed to', async () => {
  stacks.delete('CDKToolkit');
  const { status, complaints } = await run(`--stage dev --parameters ${EXAMPLE} --yes`);
  expect(status).toBe(1);
  expect(complaints).toMatch(/^Nothing was changed\. In the way:\n- .*npx cdk bootstrap$/);
  expect(done).toEqual(['synth dev']);
});

test('nothing is deployed to the account of another stage', async () => {
  stacks.set('ConsentHubDynamics', { status: 'UPDATE_COMPLETE', stage: 'prod', outputs: {} });
  const { status, complaints } = await run(`--stage dev --parameters ${EXAMPLE} --yes`);
  expect(status).toBe(1);
  expect(complaints).toContain('This account holds the stage prod');
  expect(done).toEqual(['synth dev']);
});

test('the differences are shown before the question, and a no changes nothing', async () => {
  for (const name of ['ConsentHubDynamicsSecrets', 'ConsentHubDynamics']) {
    stacks.set(name, { status: 'UPDATE_COMPLETE', stage: 'dev', outputs: {} });
  }
  const refused = await run(`--stage dev --parameters ${EXAMPLE}`, 'n');
  expect(refused).toMatchObject({ status: 1, complaints: 'Nothing was changed.' });
  expect(done).toEqual(['synth dev', 'diff ConsentHubDynamicsSecrets', 'diff ConsentHubDynamics']);
});

test('without a terminal and without --yes nothing is changed', async () => {
  const { status, complaints } = await run(`--stage dev --parameters ${EXAMPLE}`);
  expect(status).toBe(1);
  expect(complaints).toContain('say --yes to agree');
  expect(done).toEqual(['synth dev']);
});

test('a dry run shows and ends, and says which secrets have no value', async () => {
  filled.clear();
  const { status, said } = await run(`--stage dev --parameters ${EXAMPLE} --dry-run --yes`);
  expect(status).toBe(0);
  expect(said).toContain('put-secret-value --secret-id consenthub-dynamics/database-url');
  expect(done).toEqual(['synth dev']);
});

test('after a stack that failed the next one is not tried', async () => {
  deployFails = true;
  const { status, complaints } = await run(`--stage dev --parameters ${EXAMPLE} --yes`);
  expect([status, complaints]).toEqual([1, 'cdk deploy failed; what it said is above.']);
  expect(done).toEqual(['synth dev', 'deploy ConsentHubDynamicsSecrets']);
});

test.each([
  ['--yes', 'Say which stage: --stage dev or --stage prod.'],
  ['--stage test', 'Say which stage: --stage dev or --stage prod.'],
  ['--stage dev --parameters nowhere.json', 'There is no nowhere.json'],
  ['--stage dev --parameters README.md', 'README.md is not a JSON object of names and values.'],
])('%s: %s', async (line, complaint) => {
  const { status, complaints } = await run(line);
  expect(status).toBe(1);
  expect(complaints).toContain(complaint);
  expect(done).toEqual([]);
});
