import {
  type GetSecretValueCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, test } from 'vitest';
import { SecretUnavailable, SecretUnset } from '../../../shared/secrets/errors.ts';
import {
  createSecretReader,
  createSecretsManagerClient,
  SECRET_MAX_AGE_MS,
  SECRET_MIN_REFRESH_INTERVAL_MS,
} from '../../../shared/secrets/secrets.ts';

const ID = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:webhook-secret-AbCdEf';

/** Secrets Manager with one secret, and a clock that the test moves. */
function setUp(stages: Record<string, string> = { AWSCURRENT: 'one' }) {
  const state = {
    stages,
    failure: undefined as Error | undefined,
    requests: [] as (string | undefined)[],
    nowMs: 1_800_000_000_000,
    createdMs: 1_800_000_000_000,
    stale: [] as Error[],
  };
  const client = {
    async send(command: GetSecretValueCommand) {
      state.requests.push(command.input.VersionStage);
      if (state.failure) throw state.failure;
      const value = state.stages[command.input.VersionStage ?? ''];
      if (value === undefined) {
        throw new ResourceNotFoundException({ $metadata: {}, message: 'not there' });
      }
      return { SecretString: value, CreatedDate: new Date(state.createdMs) };
    },
  };
  const reader = createSecretReader({
    client,
    now: () => state.nowMs,
    onStale: (error) => state.stale.push(error),
  });
  return { state, reader };
}

const outage = () => Object.assign(new Error('secret value one'), { name: 'TimeoutError' });

describe('a secret', () => {
  test('is read once by callers at the same time, and kept for five minutes', async () => {
    const { state, reader } = setUp();
    await expect(Promise.all([reader.read(ID), reader.read(ID)])).resolves.toEqual(['one', 'one']);
    state.stages = { AWSCURRENT: 'two' };
    state.nowMs += SECRET_MAX_AGE_MS - 1;
    await expect(reader.read(ID)).resolves.toBe('one');
    state.nowMs += 1;
    await expect(reader.read(ID)).resolves.toBe('two');
    expect(state.requests).toEqual(['AWSCURRENT', 'AWSCURRENT']);
  });

  test('that cannot be read again is used on, and asked for again only after a while', async () => {
    const { state, reader } = setUp();
    await reader.read(ID);
    state.failure = outage();
    state.nowMs += SECRET_MAX_AGE_MS;
    await expect(reader.read(ID)).resolves.toBe('one');
    await expect(reader.read(ID)).resolves.toBe('one');
    expect(state.stale).toHaveLength(1);
    expect(state.stale[0]).toBeInstanceOf(SecretUnavailable);
    expect(state.requests).toHaveLength(2);

    state.failure = undefined;
    state.stages = { AWSCURRENT: 'two' };
    state.nowMs += SECRET_MIN_REFRESH_INTERVAL_MS;
    await expect(reader.read(ID)).resolves.toBe('two');
  });

  test('whose first read fails is asked for again by the next caller', async () => {
    const { state, reader } = setUp();
    state.failure = outage();
    const error = await reader.read(ID).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SecretUnavailable);
    expect(error).toMatchObject({ secretId: ID, reason: 'TimeoutError' });
    expect(String(error)).not.toContain('value one');
    state.failure = undefined;
    await expect(reader.read(ID)).resolves.toBe('one');
  });

  test.each([{}, { AWSCURRENT: '' }, { AWSCURRENT: ' \n' }])(
    'without a value (%j) says what to do',
    async (stages) => {
      const { reader } = setUp(stages);
      const error = await reader.read(ID).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SecretUnset);
      expect(String(error)).toContain(`put-secret-value --secret-id ${ID}`);
    },
  );
});

describe('the versions of a secret', () => {
  test('are the current one and the one before it', async () => {
    const { reader } = setUp({ AWSCURRENT: 'two', AWSPREVIOUS: 'one' });
    await expect(reader.readVersions(ID)).resolves.toEqual({ current: 'two', previous: 'one' });
  });

  test.each([{ AWSCURRENT: 'one' }, { AWSCURRENT: 'one', AWSPREVIOUS: ' ' }])(
    'are one while there is no other: %j',
    async (stages) => {
      const { reader } = setUp(stages);
      await expect(reader.readVersions(ID)).resolves.toEqual({ current: 'one' });
    },
  );

  test('are both valid for a day after a rotation: then the old one, which may have leaked, is not', {
    tags: ['fault-22'],
  }, async () => {
    const { state, reader } = setUp({ AWSCURRENT: 'two', AWSPREVIOUS: 'one' });
    const DAY_MS = 24 * 3_600_000;
    state.createdMs = state.nowMs - DAY_MS;
    await expect(reader.readVersions(ID)).resolves.toEqual({ current: 'two', previous: 'one' });
    state.nowMs += SECRET_MAX_AGE_MS;
    await expect(reader.readVersions(ID)).resolves.toEqual({ current: 'two' });
  });

  test('are not half read: without the previous one a good signature would be refused', async () => {
    const { state, reader } = setUp({ AWSCURRENT: 'two', AWSPREVIOUS: 'one' });
    state.failure = outage();
    await expect(reader.readVersions(ID)).rejects.toBeInstanceOf(SecretUnavailable);
  });

  test('are refreshed at once on demand, but not more often than every 30 s', {
    tags: ['fault-22'],
  }, async () => {
    const { state, reader } = setUp();
    await reader.readVersions(ID);
    state.stages = { AWSCURRENT: 'two', AWSPREVIOUS: 'one' };
    await expect(Promise.all([reader.refresh(ID), reader.refresh(ID)])).resolves.toEqual([
      { value: { current: 'two', previous: 'one' }, certain: true },
      { value: { current: 'two', previous: 'one' }, certain: true },
    ]);
    state.stages = { AWSCURRENT: 'three', AWSPREVIOUS: 'two' };
    await expect(reader.refresh(ID)).resolves.toMatchObject({ value: { current: 'two' } });
    await expect(reader.readVersions(ID)).resolves.toMatchObject({ current: 'two' });
    expect(state.requests).toHaveLength(4);
    state.nowMs += SECRET_MIN_REFRESH_INTERVAL_MS;
    await expect(reader.refresh(ID)).resolves.toMatchObject({ value: { current: 'three' } });
  });

  test('are used on if a refresh fails, and forged signatures do not repeat it', async () => {
    const { state, reader } = setUp();
    await reader.readVersions(ID);
    state.failure = outage();
    for (let n = 0; n < 5; n++) {
      await expect(reader.refresh(ID)).resolves.toEqual({
        value: { current: 'one' },
        certain: false,
      });
    }
    expect(state.stale).toHaveLength(1);
    expect(state.requests).toHaveLength(4);
  });
});

test('the client gives up soon', async () => {
  const client = createSecretsManagerClient();
  expect(await client.config.maxAttempts()).toBe(2);
  client.destroy();
});
