import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAwsAccount } from '../../../infra/deploy/account.ts';
import { listenOnLoopback, type LoopbackServer } from '../../../infra/local/loopback-server.ts';

/** Answers as the API references of STS, CloudFormation, Secrets Manager and Lambda give them. */
async function answer(request: IncomingMessage) {
  const body = await text(request);
  const respond = (statusCode: number, content: string, type = 'text/xml') => ({
    statusCode,
    headers: { 'content-type': type },
    body: Buffer.from(content),
  });
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
  if (parameters.get('Action') === 'GetCallerIdentity') {
    return respond(
      200,
      `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
        <Arn>arn:aws:iam::111122223333:user/grace</Arn><Account>111122223333</Account><UserId>AIDA</UserId>
      </GetCallerIdentityResult></GetCallerIdentityResponse>`,
    );
  }
  if (parameters.get('StackName') === 'ConsentHubDynamics') {
    return respond(
      200,
      `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>
        <member><StackName>ConsentHubDynamics</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>
          <CreationTime>2026-11-22T10:00:00Z</CreationTime>
          <Tags><member><Key>stage</Key><Value>prod</Value></member></Tags>
          <Outputs><member><OutputKey>WebhookUrl</OutputKey><OutputValue>https://a.example.test</OutputValue></member></Outputs>
        </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
    );
  }
  const refusal = parameters.get('StackName') === 'forbidden' ? 'AccessDenied' : 'ValidationError';
  return respond(
    refusal === 'AccessDenied' ? 403 : 400,
    `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>
      <Code>${refusal}</Code><Message>Stack with id ${parameters.get('StackName')} ${refusal === 'AccessDenied' ? 'is forbidden' : 'does not exist'}</Message>
    </Error><RequestId>1</RequestId></ErrorResponse>`,
  );
}

let server: LoopbackServer;
beforeEach(async () => {
  server = await listenOnLoopback(0, answer);
  vi.stubEnv('AWS_ENDPOINT_URL', server.url);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'example');
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
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
  ['AWS_ACCESS_KEY_ID', /^AWS does not say who you are \(CredentialsProviderError\)/],
])('without %s it says what to do', async (variable, complaint) => {
  vi.stubEnv(variable, undefined);
  await expect(createAwsAccount()).rejects.toThrow(complaint);
});
