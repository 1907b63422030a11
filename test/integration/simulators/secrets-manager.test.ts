import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type SecretsManagerSimulator,
  startSecretsManagerSimulator,
} from '../../simulators/secrets-manager/index.ts';

const NOW_MS = Date.parse('2026-11-22T10:00:00.500Z');

let simulator: SecretsManagerSimulator;
let client: SecretsManagerClient;
let counter = 0;

beforeAll(async () => {
  simulator = await startSecretsManagerSimulator({
    now: () => NOW_MS,
    region: 'eu-central-1',
    accountId: '123456789012',
  });
  client = new SecretsManagerClient({
    endpoint: simulator.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
});

afterEach(() => simulator.setFault('none'));

afterAll(async () => {
  client.destroy();
  await simulator.close();
});

/** A secret of its own for every test. */
async function create(SecretString?: string): Promise<{ name: string; arn: string }> {
  counter += 1;
  const name = `consenthub/secret-${counter}`;
  const parameters = SecretString === undefined ? {} : { SecretString };
  const { ARN } = await client.send(new CreateSecretCommand({ Name: name, ...parameters }));
  return { name, arn: ARN ?? '' };
}

async function put(SecretId: string, SecretString: string, ...VersionStages: string[]) {
  const stages = VersionStages.length === 0 ? {} : { VersionStages };
  return client.send(new PutSecretValueCommand({ SecretId, SecretString, ...stages }));
}

async function valueOf(SecretId: string, VersionStage?: string): Promise<string | undefined> {
  const stage = VersionStage === undefined ? {} : { VersionStage };
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId, ...stage }));
  return SecretString;
}

describe('a secret', () => {
  it('is found by name, ARN and partial ARN', async () => {
    const { name, arn } = await create('s3cret');
    const partialArn = `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${name}`;
    expect(arn.slice(0, -6)).toBe(`${partialArn}-`);
    expect(arn.slice(-6)).toMatch(/^[A-Za-z0-9]{6}$/);
    for (const id of [name, arn, partialArn]) {
      const value = await client.send(new GetSecretValueCommand({ SecretId: id }));
      expect(value).toMatchObject({
        ARN: arn,
        Name: name,
        SecretString: 's3cret',
        VersionStages: ['AWSCURRENT'],
        CreatedDate: new Date(NOW_MS),
      });
    }
  });

  it('holds bytes too', async () => {
    const { arn } = await create();
    const SecretBinary = Uint8Array.from([0, 1, 255]);
    await client.send(new PutSecretValueCommand({ SecretId: arn, SecretBinary }));
    const value = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    expect([...(value.SecretBinary ?? [])]).toEqual([0, 1, 255]);
    expect(value.SecretString).toBeUndefined();
  });

  it('can have an ARN that stays the same over restarts', async () => {
    const other = await startSecretsManagerSimulator({ arnSuffix: () => 'AbCd12' });
    const otherClient = new SecretsManagerClient({
      endpoint: other.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    expect(await otherClient.send(new CreateSecretCommand({ Name: 'stable' }))).toMatchObject({
      ARN: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:stable-AbCd12',
    });
    otherClient.destroy();
    await other.close();
  });
});

describe('versions', () => {
  it('move the labels: a new one is current, the one before it previous', async () => {
    const { arn } = await create('one');
    await put(arn, 'two');
    await put(arn, 'three');
    expect(await valueOf(arn)).toBe('three');
    expect(await valueOf(arn, 'AWSPREVIOUS')).toBe('two');
    const listed = await client.send(new ListSecretVersionIdsCommand({ SecretId: arn }));
    expect(listed.Versions?.map(({ VersionStages }) => VersionStages)).toEqual([
      ['AWSPREVIOUS'],
      ['AWSCURRENT'],
    ]);
    const all = await client.send(
      new ListSecretVersionIdsCommand({ SecretId: arn, IncludeDeprecated: true }),
    );
    expect(all.Versions).toHaveLength(3);
  });

  it('go back to the previous one by moving the label', async () => {
    const { arn } = await create('one');
    await put(arn, 'two');
    const described = await client.send(new DescribeSecretCommand({ SecretId: arn }));
    const [[oldId] = [], [newId] = []] = Object.entries(described.VersionIdsToStages ?? {});
    const move = {
      SecretId: arn,
      VersionStage: 'AWSCURRENT',
      ...(oldId === undefined ? {} : { MoveToVersionId: oldId }),
    };
    await expect(client.send(new UpdateSecretVersionStageCommand(move))).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining(`currently attached to version ${newId}`),
    });
    const RemoveFromVersionId = newId ?? '';
    await client.send(new UpdateSecretVersionStageCommand({ ...move, RemoveFromVersionId }));
    expect(await valueOf(arn)).toBe('one');
    expect(await valueOf(arn, 'AWSPREVIOUS')).toBe('two');
  });

  it('wait under a label of their own', async () => {
    const { arn } = await create('one');
    const { VersionId = '' } = await put(arn, 'next', 'AWSPENDING');
    expect(await valueOf(arn)).toBe('one');
    expect(await valueOf(arn, 'AWSPENDING')).toBe('next');
    const byId = await client.send(new GetSecretValueCommand({ SecretId: arn, VersionId }));
    expect(byId.SecretString).toBe('next');
  });

  it('are made once per request token', async () => {
    const { arn } = await create('one');
    const request = { SecretId: arn, ClientRequestToken: randomUUID(), SecretString: 'two' };
    const first = await client.send(new PutSecretValueCommand(request));
    const again = await client.send(new PutSecretValueCommand(request));
    expect(again.VersionId).toBe(first.VersionId);
    expect(await valueOf(arn, 'AWSPREVIOUS')).toBe('one');
    const other = client.send(new PutSecretValueCommand({ ...request, SecretString: 'three' }));
    await expect(other).rejects.toMatchObject({ name: 'ResourceExistsException' });
  });
});

describe('what is refused, in the words of AWS', () => {
  it('a secret that does not exist', async () => {
    await expect(valueOf('missing')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret.",
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('a label that no version has', async () => {
    const { arn } = await create('one');
    const empty = await create();
    const words = "Secrets Manager can't find the specified secret value for staging label: ";
    await expect(valueOf(arn, 'AWSPREVIOUS')).rejects.toThrow(`${words}AWSPREVIOUS`);
    await expect(valueOf(empty.arn)).rejects.toThrow(`${words}AWSCURRENT`);
  });

  it('a name that is taken', async () => {
    const { name } = await create('one');
    await expect(client.send(new CreateSecretCommand({ Name: name }))).rejects.toMatchObject({
      name: 'ResourceExistsException',
      message: `The operation failed because the secret ${name} already exists.`,
    });
  });

  it('a value that is missing', async () => {
    const { arn } = await create('one');
    const nothing = client.send(new PutSecretValueCommand({ SecretId: arn }));
    await expect(nothing).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  it('an unsigned request and an unknown action', async () => {
    const headers = { 'content-type': 'application/x-amz-json-1.1' };
    const unsigned = await fetch(simulator.url, { method: 'POST', headers, body: '{}' });
    expect(unsigned.status).toBe(400);
    expect(await unsigned.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
    const unknown = await fetch(simulator.url, {
      method: 'POST',
      headers: { ...headers, authorization: 'signed', 'x-amz-target': 'secretsmanager.Nothing' },
      body: '{}',
    });
    expect(await unknown.json()).toMatchObject({ __type: 'UnknownOperationException' });
  });
});

describe('a deleted secret', () => {
  it('is kept for its window, but cannot be read', async () => {
    const { name, arn } = await create('one');
    const { DeletionDate } = await client.send(
      new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: 7 }),
    );
    expect(DeletionDate).toEqual(new Date(NOW_MS + 7 * 24 * 60 * 60 * 1000));
    await expect(valueOf(arn)).rejects.toMatchObject({ name: 'InvalidRequestException' });
    const again = client.send(new CreateSecretCommand({ Name: name }));
    await expect(again).rejects.toThrow('already scheduled for deletion');
    const described = await client.send(new DescribeSecretCommand({ SecretId: arn }));
    expect(described.DeletedDate).toEqual(new Date(NOW_MS));
  });

  it('is gone at once if that is forced', async () => {
    const { arn } = await create('one');
    const command = { SecretId: arn, ForceDeleteWithoutRecovery: true };
    await client.send(new DeleteSecretCommand(command));
    await expect(valueOf(arn)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('a fault', () => {
  it.each([
    ['error', { name: 'InternalServiceError', $metadata: { httpStatusCode: 500 } }],
    ['refuse', { code: 'ECONNRESET' }],
  ] as const)('%s', async (fault, error) => {
    const { arn } = await create('one');
    simulator.setFault(fault);
    await expect(valueOf(arn)).rejects.toMatchObject(error);
    simulator.setFault('none');
    expect(await valueOf(arn)).toBe('one');
  });

  it('hang: no answer', async () => {
    simulator.setFault('hang');
    const abortSignal = AbortSignal.timeout(100);
    const call = client.send(new GetSecretValueCommand({ SecretId: 'any' }), { abortSignal });
    await expect(call).rejects.toBeDefined();
  });

  it('is counted, as every request is', async () => {
    const { arn } = await create('one');
    const before = simulator.requestCount('GetSecretValue');
    const beforeAny = simulator.requestCount();
    await valueOf(arn);
    simulator.setFault('error');
    await expect(valueOf(arn)).rejects.toBeDefined();
    expect(simulator.requestCount('GetSecretValue')).toBe(before + 2);
    expect(simulator.requestCount()).toBe(beforeAny + 2);
  });
});
