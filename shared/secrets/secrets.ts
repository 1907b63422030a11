import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { SecretUnavailable, SecretUnset } from './errors.ts';
import { createRefreshingValue, type RefreshingValue } from './refreshing-value.ts';

/** A rotated secret is picked up within this time without a deploy. */
export const SECRET_MAX_AGE_MS = 5 * 60_000;

/**
 * Least time between two reads of one secret: forged signatures must not become calls to AWS, and while
 * Secrets Manager is down not every request may wait for it.
 */
export const SECRET_MIN_REFRESH_INTERVAL_MS = 30_000;

/** Secrets Manager answers in tens of milliseconds; Dynamics and the queues are waiting behind it. */
const CONNECTION_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 2000;
const MAX_ATTEMPTS = 2;

/**
 * How long the previous value of a secret stays valid: a day to switch whoever uses it. Secrets Manager
 * keeps it until the next rotation, and a secret is often rotated because it has leaked.
 */
const PREVIOUS_VALID_MS = 24 * 3_600_000;

interface Version {
  readonly value: string;
  readonly createdAt: Date | undefined;
}

/** The two values that are valid while a secret is rotated. */
export interface SecretVersions {
  readonly current: string;
  readonly previous?: string;
}

export interface SecretReader {
  /**
   * The current value (`AWSCURRENT`), as stored, at most five minutes old as long as Secrets Manager
   * answers.
   *
   * @throws SecretUnset, SecretUnavailable, only if it was never read in this process
   */
  read(secretId: string): Promise<string>;
  /** The current and the previous value, kept and failing like `read`. Having no previous one is normal. */
  readVersions(secretId: string): Promise<SecretVersions>;
  /**
   * Reads both versions now, for a signature that fits neither: at most once per 30 s and secret, and
   * what is known already in between. `certain` is false if the last read failed.
   */
  refresh(secretId: string): Promise<{ value: SecretVersions; certain: boolean }>;
}

interface SecretReaderOptions {
  readonly client: Pick<SecretsManagerClient, 'send'>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** A secret could not be read again and its old value is used on: for a log line and a metric. */
  readonly onStale?: (error: SecretUnset | SecretUnavailable) => void;
}

/** A client with short time-outs; region, endpoint and credentials come from the function's environment. */
export function createSecretsManagerClient(): SecretsManagerClient {
  return new SecretsManagerClient({
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // Without it the SDK only warns and goes on waiting.
      throwOnRequestTimeout: true,
    },
  });
}

/** Reads secrets and keeps them. Make one per container. */
export function createSecretReader({
  client,
  now = Date.now,
  onStale = () => {},
}: SecretReaderOptions): SecretReader {
  async function fetchVersion(secretId: string, stage: string): Promise<Version | undefined> {
    try {
      const { SecretString: value, CreatedDate: createdAt } = await client.send(
        new GetSecretValueCommand({ SecretId: secretId, VersionStage: stage }),
      );
      return value?.trim() ? { value, createdAt } : undefined;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      // The SDK's message is left behind: it is written for who calls AWS, not for our logs.
      throw new SecretUnavailable(secretId, error instanceof Error ? error.name : 'unknown');
    }
  }

  async function fetchCurrent(secretId: string): Promise<Version> {
    const current = await fetchVersion(secretId, 'AWSCURRENT');
    if (current === undefined) throw new SecretUnset(secretId);
    return current;
  }

  async function fetchVersions(secretId: string): Promise<SecretVersions> {
    const [current, previous] = await Promise.all([
      fetchCurrent(secretId),
      fetchVersion(secretId, 'AWSPREVIOUS'),
    ]);
    const rotatedAtMs = current.createdAt?.getTime() ?? now();
    return previous === undefined || now() - rotatedAtMs > PREVIOUS_VALID_MS
      ? { current: current.value }
      : { current: current.value, previous: previous.value };
  }

  const currents = keepEach(async (secretId) => (await fetchCurrent(secretId)).value);
  const versions = keepEach(fetchVersions);

  function keepEach<T>(load: (secretId: string) => Promise<T>) {
    const values = new Map<string, RefreshingValue<T>>();
    return (secretId: string): RefreshingValue<T> => {
      const known = values.get(secretId);
      if (known !== undefined) return known;
      const value = createRefreshingValue({
        load: () => load(secretId),
        now,
        maxAgeMs: SECRET_MAX_AGE_MS,
        minIntervalMs: SECRET_MIN_REFRESH_INTERVAL_MS,
        onStale: (error) => {
          if (error instanceof SecretUnset || error instanceof SecretUnavailable) onStale(error);
        },
      });
      values.set(secretId, value);
      return value;
    };
  }

  return {
    read: (secretId) => currents(secretId).get(),
    readVersions: (secretId) => versions(secretId).get(),
    refresh: (secretId) => versions(secretId).refresh(),
  };
}
