import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { listenOnLoopback, type LoopbackServer } from '../../../infra/local/loopback-server.ts';
import { connectAws } from '../../../infra/ops/target.ts';
import { runOpsCommand } from '../../../infra/ops/command.ts';
import {
  CALLER,
  callerIdentity,
  describedStack,
  respond,
  stackError,
  stubAws,
} from '../../support/aws-answers.ts';

const OUTPUTS = [
  'ContactQueueUrl',
  'ContactDeadLetterQueueUrl',
  'ConsentQueueUrl',
  'ConsentDeadLetterQueueUrl',
  'ConnectionStatusFunctionName',
  'SweepRuleName',
  'WebhookUrl',
  'ReconcileRuleName',
];

type Stack = 'there' | 'of another version' | 'absent';
let stack: Stack;
let server: LoopbackServer;

/** STS and CloudFormation answer as their API references say; everything else may not be done. */
async function answer(request: IncomingMessage) {
  const body = await text(request);
  const action = new URLSearchParams(body).get('Action');
  if (action === 'GetCallerIdentity') return callerIdentity();
  if (action === 'DescribeStacks' && stack === 'absent') {
    return stackError(400, 'ValidationError', 'Stack with id ConsentHubDynamics does not exist');
  }
  if (action === 'DescribeStacks') {
    const outputs = stack === 'there' ? OUTPUTS : OUTPUTS.slice(1);
    return describedStack(
      'ConsentHubDynamics',
      Object.fromEntries(outputs.map((name) => [name, `${server.url}/${name}`])),
    );
  }
  const [, operation = ''] = (request.headers['x-amz-target'] ?? '').toString().split('.');
  return respond(
    403,
    JSON.stringify({
      __type: 'com.amazonaws.sqs#AccessDenied',
      message: `User: ${CALLER} is not authorized to perform: sqs:${operation.toLowerCase()} on resource: arn:aws:sqs:eu-central-1:111122223333:one because no identity-based policy allows the action`,
    }),
    'application/x-amz-json-1.0',
  );
}

beforeEach(async () => {
  stack = 'there';
  server = await listenOnLoopback(0, answer);
  stubAws(server.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close(0);
});

async function ops(...args: string[]) {
  const complaints: string[] = [];
  const status = await runOpsCommand(args, {
    // Nobody listens there: the run goes on without a record.
    environment: { DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c', NEON_ENDPOINT: `${server.url}/` },
    stackFile: '/nowhere/stack.json',
    userName: 'nobody',
    say: () => {},
    complain: (complaint) => complaints.push(complaint),
  });
  return { status, complaints: complaints.join('\n') };
}

test.each<[string, string, Stack, RegExp]>([
  ['AWS_REGION', '', 'there', /^No region: say AWS_REGION/],
  ['AWS_ACCESS_KEY_ID', '', 'there', /^AWS does not take these credentials, or there are none/],
  ['AWS_PROFILE', 'typo', 'there', /^AWS does not take these credentials, or there are none/],
  ['', '', 'absent', /^There is no stack ConsentHubDynamics in eu-central-1: say AWS_REGION/],
  ['', '', 'of another version', /^The stack ConsentHubDynamics has no ContactQueueUrl: deploy/],
])('it says what is missing (%s%s, stack %s)', async (variable, value, found, complaint) => {
  if (variable !== '') vi.stubEnv(variable, value === '' ? undefined : value);
  if (variable === 'AWS_PROFILE') vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
  stack = found;
  expect(await ops('dead-letters', 'list')).toEqual({
    status: 1,
    complaints: expect.stringMatching(complaint),
  });
});

test('what may not be done is named as IAM names it', async () => {
  const { status, complaints } = await ops('dead-letters', 'list');
  expect(status).toBe(1);
  expect(complaints).toMatch(
    /^AWS refuses sqs:(?:getqueueattributes|receivemessage) to these credentials \(AccessDenied\)\.$/m,
  );
  expect(complaints).not.toContain('arn:');
});

test('whoever is asked whether they mean it reads which stage it is', async () => {
  const target = await connectAws({ DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' });
  target.close();
  expect(target).toMatchObject({
    name: 'the stage prod, account 111122223333, eu-central-1',
    operator: CALLER,
    rules: [{ ruleName: `${server.url}/SweepRuleName` }, { name: 'reconcile-contacts' }],
  });
});
