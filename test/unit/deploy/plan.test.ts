import { readFileSync } from 'node:fs';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import type { StackState } from '../../../infra/command-line/describe-stack.ts';
import { requirementsOf } from '../../../infra/deploy/assembly.ts';
import { type Found, obstaclesOf, parameterValues } from '../../../infra/deploy/plan.ts';
import { buildStacks } from '../infra/build-stacks.ts';

type AnyTemplate = Parameters<typeof requirementsOf>[0];
const { secrets, bridge } = buildStacks({ stage: 'dev' });
const requirements = requirementsOf(
  Template.fromStack(secrets).toJSON() as AnyTemplate,
  Template.fromStack(bridge).toJSON() as AnyTemplate,
);
const example = JSON.parse(
  readFileSync(new URL('../../../infra/deploy/parameters/example.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;

const EMPTY: Found = { bootstrapped: true, concurrencyLimit: 1000, stacks: {} };
const stack = (status: string, stage?: string): StackState => ({ status, stage, outputs: {} });
const obstacles = (changes: Partial<Found>, given = example) =>
  obstaclesOf('dev', requirements, given, { ...EMPTY, ...changes });

test('the templates say what a person has to fill in, and what is reserved', () => {
  expect(requirements.secretsToFill).toEqual([
    'consenthub-dynamics/database-url',
    'consenthub-dynamics/dynamics-client-secret',
    'consenthub-dynamics/upstash-redis-rest-token',
  ]);
  expect(requirements.reservedConcurrency).toBe(2);
});

test('nothing is in the way of the example in a new account that is prepared', () => {
  expect(obstacles({})).toEqual([]);
});

test('all that is in the way is said at once, with what to do', () => {
  expect(obstacles({ bootstrapped: false, concurrencyLimit: 10 }, {})).toEqual([
    expect.stringContaining('npx cdk bootstrap'),
    expect.stringContaining('102 are needed'),
    expect.stringContaining('DynamicsOrgUrl is missing'),
    expect.stringContaining('DynamicsClientId is missing'),
    expect.stringContaining('UpstashRedisRestUrl is missing'),
    expect.stringContaining('ApiTokenIssuer is missing'),
    expect.stringContaining('ApiTokenAudience is missing'),
    expect.stringContaining('ApiRequiredScope is missing'),
  ]);
});

test.each([
  ['DynamicsOrgUrl', 'http://contoso.crm4.dynamics.com'],
  ['DynamicsOrgUrl', 'https://contoso.crm4.dynamics.com/\nx'],
  ['WebhookAuthentication', 'none'],
  ['ApiTokenAudience', 7],
])('%s cannot be %j', (name, value) => {
  expect(obstacles({}, { ...example, [name]: value })).toEqual([
    expect.stringContaining(`The parameter ${name} has to be: `),
  ]);
});

test('a value is never repeated: somebody may have put a secret there', () => {
  const said = obstacles({}, { ...example, DynamicsClientId: 'hunter2' });
  expect(said).toHaveLength(1);
  expect(said.join('\n')).not.toContain('hunter2');
});

test('a parameter that does not exist is named: it would be a typing error', () => {
  expect(obstacles({}, { ...example, DynamicsOrgURL: 'x' })).toEqual([
    'The parameter DynamicsOrgURL does not exist: take it out of the file.',
  ]);
});

test('one stage is not deployed over another', () => {
  expect(obstacles({ stacks: { ConsentHubDynamics: stack('UPDATE_COMPLETE', 'prod') } })).toEqual([
    'This account holds the stage prod (ConsentHubDynamics), and one account holds one stage: use the ' +
      'credentials of the account of dev.',
  ]);
});

test.each([
  'CREATE_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_ROLLBACK_COMPLETE',
  'IMPORT_COMPLETE',
  'REVIEW_IN_PROGRESS',
])('a stack that is %s can be deployed', (status) => {
  expect(obstacles({ stacks: { ConsentHubDynamics: stack(status, 'dev') } })).toEqual([]);
});

test.each([
  ['UPDATE_IN_PROGRESS', 'wait until that is over'],
  ['UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'wait until that is over'],
  ['UPDATE_ROLLBACK_FAILED', 'continue-update-rollback'],
  ['ROLLBACK_COMPLETE', 'delete-stack --stack-name ConsentHubDynamicsSecrets'],
  ['DELETE_FAILED', 'delete-stack --stack-name ConsentHubDynamicsSecrets'],
])('a stack that is %s cannot, and what to do is said', (status, remedy) => {
  const said = obstacles({ stacks: { ConsentHubDynamicsSecrets: stack(status, 'dev') } });
  expect(said).toEqual([expect.stringContaining(remedy)]);
});

test('every parameter is sent: what is not in the file goes back to its default', () => {
  const values = parameterValues(requirements, example);
  expect(Object.keys(values).toSorted()).toEqual(Object.keys(requirements.parameters).toSorted());
  expect(values).toMatchObject({
    ...example,
    WebhookAuthentication: 'signature',
    DynamicsTenantId: '',
  });
});
