import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ReceiveMessageCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AccessGuard, accessGuard } from '../../infra/local/iam/access-guard.ts';
import type { PolicyDocument } from '../../infra/local/iam/access-policies.ts';
import {
  ACCOUNT_ID,
  createQueues,
  sqsClient,
  startSqs,
} from '../../infra/local/queues/sqs-server.ts';
import { startSecretsManagerSimulator } from '../simulators/secrets-manager/index.ts';
import { CREDENTIALS, runFixture } from './runner-fixture.ts';

const { region } = CREDENTIALS;
const ROLE = `arn:aws:iam::${ACCOUNT_ID}:role/sender`;
const PRINCIPAL = `arn:aws:sts::${ACCOUNT_ID}:assumed-role/sender/session`;
const QUEUE = `arn:aws:sqs:${region}:${ACCOUNT_ID}:events`;
const KEY = `arn:aws:kms:${region}:${ACCOUNT_ID}:key/one`;
const SECRET = `arn:aws:secretsmanager:${region}:${ACCOUNT_ID}:secret:app/one-AbCdEf`;

const document = (...Statement: object[]): PolicyDocument => ({ Version: '2012-10-17', Statement });
const allow = (Action: string | string[], Resource: string, Condition: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  Condition,
});
const SEND = allow('sqs:SendMessage', QUEUE);
const USE_KEY = allow(['kms:GenerateDataKey', 'kms:Decrypt'], KEY, {
  StringEquals: { 'kms:ViaService': `sqs.${region}.amazonaws.com` },
});
/** What the CDK gives every key: the account's own policies decide. */
const KEY_POLICY = document({
  ...allow('kms:*', '*'),
  Principal: { AWS: `arn:aws:iam::${ACCOUNT_ID}:root` },
});

describe('a call', () => {
  let cleanup: AsyncDisposableStack;
  let guard: AccessGuard;
  let endpoint: string;
  let queueUrl: string;
  let denied: string[];

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    denied = [];
    const directory = mkdtempSync(join(tmpdir(), 'runner-access-'));
    cleanup.defer(() => rmSync(directory, { recursive: true }));
    guard = accessGuard({
      place: { region, accountId: ACCOUNT_ID },
      rootAccessKeyId: CREDENTIALS.accessKeyId,
      onDenied: (message) => denied.push(message),
    });
    const server = await startSqs(directory, guard);
    cleanup.defer(() => server.close());
    endpoint = server.endpoint;
    queueUrl = `${endpoint}/${ACCOUNT_ID}/events`;
    await createQueues(client(CREDENTIALS), [{ name: 'events', url: queueUrl, attributes: {} }]);
  });

  afterEach(() => cleanup.disposeAsync());

  function client(credentials: { accessKeyId: string; secretAccessKey: string }): SQSClient {
    const created = sqsClient(endpoint, { region, ...credentials });
    cleanup.defer(() => created.destroy());
    return created;
  }

  function enforce(
    role: PolicyDocument,
    { queue, key }: { queue?: PolicyDocument; key?: PolicyDocument } = {},
  ): void {
    guard.enforce({
      roles: new Map([[ROLE, [{ name: 'policy', policy: role }]]]),
      resources: new Map([
        ...(queue === undefined ? [] : [[QUEUE, queue] as const]),
        ...(key === undefined ? [] : [[KEY, key] as const]),
      ]),
      encryptionKeys: new Map(key === undefined ? [] : [[QUEUE, KEY]]),
      secretArns: new Map(),
    });
  }

  const asRole = () => client(guard.issueCredentials(ROLE, 'session'));
  const send = (as: SQSClient) =>
    as.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'one' }));
  const sent = expect.objectContaining({ MessageId: expect.any(String) });

  test('that the role allows is carried out, another one is refused in AWS’s words', async () => {
    enforce(document(SEND));
    expect(await send(asRole())).toEqual(sent);
    const receive = asRole().send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
    await expect(receive).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: ${PRINCIPAL} is not authorized to perform: sqs:ReceiveMessage on resource: ${QUEUE} because no policy allows the sqs:ReceiveMessage action`,
      $metadata: { httpStatusCode: 403 },
    });
    expect(denied).toHaveLength(1);
    expect(guard.unusedGrants()).toEqual([]);
  });

  test('of the account is always carried out, of a stranger never', async () => {
    enforce(document());
    expect(await send(client(CREDENTIALS))).toEqual(sent);
    const stranger = client({ accessKeyId: 'AKIASTRANGER', secretAccessKey: 'secret' });
    await expect(send(stranger)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
  });

  test('is refused before the template is known', async () => {
    await expect(send(asRole())).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('is refused by the queue’s policy', async () => {
    const Principal = { AWS: '*' };
    const plainText = { Bool: { 'aws:SecureTransport': 'false' } };
    const deny = { ...allow('sqs:*', QUEUE, plainText), Effect: 'Deny', Principal };
    enforce(document(SEND), { queue: document(deny) });
    expect(await send(asRole())).toEqual(sent);
    enforce(document(SEND), { queue: document({ ...deny, Condition: {} }) });
    await expect(send(asRole())).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('with an explicit deny'),
    });
  });

  test('needs the key of an encrypted queue, through SQS, and the key’s policy', async () => {
    enforce(document(SEND, USE_KEY), { key: KEY_POLICY });
    expect(await send(asRole())).toEqual(sent);
    const refused = { name: 'KmsAccessDenied', $metadata: { httpStatusCode: 400 } };
    enforce(document(SEND), { key: KEY_POLICY });
    await expect(send(asRole())).rejects.toMatchObject(refused);
    enforce(document(SEND, USE_KEY), { key: document() });
    await expect(send(asRole())).rejects.toMatchObject(refused);
    const otherService = { StringEquals: { 'kms:ViaService': 's3.amazonaws.com' } };
    enforce(document(SEND, { ...USE_KEY, Condition: otherService }), { key: KEY_POLICY });
    await expect(send(asRole())).rejects.toMatchObject(refused);
  });

  test('to Secrets Manager is refused in its words', async () => {
    enforce(document(SEND));
    const simulator = await startSecretsManagerSimulator({
      region,
      access: (call, authorization) => guard.check(call, authorization),
    });
    cleanup.defer(() => simulator.close());
    const secrets = new SecretsManagerClient({
      endpoint: simulator.url,
      region,
      credentials: guard.issueCredentials(ROLE, 'session'),
    });
    cleanup.defer(() => secrets.destroy());
    const read = secrets.send(new GetSecretValueCommand({ SecretId: SECRET }));
    await expect(read).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('secretsmanager:GetSecretValue'),
      $metadata: { httpStatusCode: 400 },
    });
  });
});

describe('the template', () => {
  const roleThatMay = (...Action: string[]) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      Policies: [
        {
          PolicyName: 'inline',
          PolicyDocument: document(...Action.map((action) => allow(action, '*'))),
        },
      ],
    },
  });
  const consumer = {
    Consume: {
      code: 'exports.handler = async () => {};',
      properties: { Role: { 'Fn::GetAtt': ['Role', 'Arn'] } },
    },
  };
  const mapping = {
    Queue: { Type: 'AWS::SQS::Queue' },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
        FunctionName: { Ref: 'Consume' },
      },
    },
  };

  test('whose consumer may not poll its queue cannot be deployed', async () => {
    const Role = roleThatMay('sqs:ReceiveMessage', 'sqs:GetQueueAttributes');
    await expect(runFixture(consumer, { ...mapping, Role })).rejects.toThrow(
      /^Mapping: .*\/Fixture-Consume is not authorized to perform: sqs:DeleteMessage/,
    );
  });

  test.each([
    ['a managed policy', { ManagedPolicyArns: ['arn:aws:iam::aws:policy/x'] }],
    ['a boundary', { PermissionsBoundary: 'arn:aws:iam::aws:policy/x' }],
  ])('%s is refused: it would be evaluated in AWS', async (_what, Properties) => {
    const Role = { Type: 'AWS::IAM::Role', Properties };
    await expect(runFixture(consumer, { Role })).rejects.toThrow(/^Role: the role property/);
  });

  test('every process has an access key of its own', async () => {
    const code = `exports.handler = async () => {
      await new Promise((done) => setTimeout(done, 300));
      return process.env.AWS_ACCESS_KEY_ID;
    };`;
    await using fixture = await runFixture({ Probe: { code } }, {});
    const probe = fixture.cloud.functions[0];
    const outcomes = await Promise.all([probe?.invoke({}), probe?.invoke({})]);
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(2);
    expect(outcomes).toEqual([
      { payload: expect.stringMatching(/^"ASIA[0-9A-F]{16}"$/) },
      { payload: expect.stringMatching(/^"ASIA[0-9A-F]{16}"$/) },
    ]);
  });
});
