import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { messageOf } from '../../../infra/command-line/message-of.ts';
import { createAwsAccount } from '../../../infra/deploy/account.ts';
import { listenOnLoopback, type LoopbackServer } from '../../../infra/local/loopback-server.ts';
import {
  callerIdentity,
  describedStack,
  respond,
  stackError,
  stubAws,
} from '../../support/aws-answers.ts';

/** Answers as the API references of STS, CloudFormation, Secrets Manager and Lambda give them. */
async function answer(request: IncomingMessage) {
  const body = await text(request);
  const json = (statusCode: number, content: object) =>
    respond(statusCode, JSON.stringify(content), 'application/x-amz-json-1.1');
  if (request.url === '/2016-08-19/account-settings') {
    return json(200, { AccountLimit: { ConcurrentExecutions: 1000 } });
  }
  if (request.headers['x-amz-target'] === 'secretsmanager.DescribeSecret') {
    const { SecretId: id } = JSON.parse(body) as { SecretId: string };
    if (id === 'filled') return json(200, { Name: id, VersionIdsToStages: { v1: ['AWSCURRENT'] } });
    // A secret that never had a value has no version.
    if (id === 'empty') return json(200, { Name: id });
    return json(400, { __type: 'ResourceNotFoundException', Message: 'not found' });
  }
  const parameters = new URLSearchParams(body);
  if (parameters.get('Action') === 'GetCallerIdentity') return callerIdentity();
  const name = parameters.get('StackName') ?? '';
  if (name === 'ConsentHubDynamics') {
    return describedStack(name, { WebhookUrl: 'https://a.example.test' });
  }
  return name === 'forbidden'
    ? stackError(403, 'AccessDenied', `Stack with id ${name} is forbidden`)
    : stackError(400, 'ValidationError', `Stack with id ${name} does not exist`);
}

let server: LoopbackServer;
beforeEach(async () => {
  server = await listenOnLoopback(0, answer);
  stubAws(server.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close(0);
});

test('the account says who asks, what its stacks are and what it allows', async () => {
  const account = await createAwsAccount();
  try {
    expect(account).toMatchObject({
      accountId: '111122223333',
      region: 'eu-central-1',
      caller: 'arn:aws:iam::111122223333:user/grace',
    });
    expect(await account.describeStack('ConsentHubDynamics')).toEqual({
      status: 'UPDATE_COMPLETE',
      stage: 'prod',
      outputs: { WebhookUrl: 'https://a.example.test' },
    });
    expect(await account.describeStack('CDKToolkit')).toBeUndefined();
    expect(await account.concurrencyLimit()).toBe(1000);
  } finally {
    account.close();
  }
});

test('a secret has a value, none yet, or does not exist; none is read', async () => {
  const account = await createAwsAccount();
  try {
    const names = ['filled', 'empty', 'absent'];
    expect(await Promise.all(names.map((name) => account.hasValue(name)))).toEqual([
      true,
      false,
      false,
    ]);
  } finally {
    account.close();
  }
});

test('a stack that may not be looked at is no stack that does not exist', async () => {
  const account = await createAwsAccount();
  try {
    await expect(account.describeStack('forbidden')).rejects.toThrow('is forbidden');
  } finally {
    account.close();
  }
});

test.each([
  ['AWS_REGION', /^No region: say AWS_REGION/],
  ['AWS_ACCESS_KEY_ID', /^AWS does not take these credentials, or there are none \(Cred/],
])('without %s it says what to do', async (variable, complaint) => {
  vi.stubEnv(variable, undefined);
  const failure = await createAwsAccount().catch((error: unknown) => error);
  expect(messageOf(failure)).toMatch(complaint);
});
