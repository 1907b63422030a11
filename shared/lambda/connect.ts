import * as z from 'zod';
import { type Cache, createCache } from '../cache/redis.ts';
import { createDatabase, type Database } from '../database/database.ts';
import { pauseKeys } from '../dataverse/cache-keys.ts';
import { createDataverseClient, type DataverseClient } from '../dataverse/client.ts';
import { createConnectedOrganization } from '../dataverse/connected-organization.ts';
import { parseAuthorityUrl, parseOrganizationUrl } from '../dataverse/organization-url.ts';
import type { DynamicsConnection } from '../dataverse/connection.ts';
import { createPause, type PauseEvent } from '../dataverse/pause.ts';
import { createTokenSource, type TokenEvent, type TokenSource } from '../dataverse/token.ts';
import type { Log } from '../observability/log.ts';
import { type Message, messages } from '../observability/messages.ts';
import type { Measurements } from '../observability/metrics.ts';
import { currentRequestId } from '../observability/request-id.ts';

/** A call takes about 100 ms; what takes longer than this goes to the row's clock. */
const DATAVERSE_TIMEOUT_MS = 5_000;

const TOKEN_MESSAGES: Readonly<Record<TokenEvent, Message>> = {
  'token-requested': messages.tokenRequested,
  'refresh-failed': messages.tokenRefreshFailed,
  'cache-unreadable': messages.cachedTokenUnreadable,
  'lock-outlasted': messages.tokenLockOutlasted,
};

const secretArn = z.string().min(1);

/** What a function needs that works between Dynamics and the database. */
export const connectionEnvironment = z.object({
  DATABASE_URL_SECRET_ARN: secretArn,
  DYNAMICS_ORG_URL: z.url(),
  DYNAMICS_AUTHORITY_URL: z.url(),
  /** Empty: found out from the organisation. */
  DYNAMICS_TENANT_ID: z.string().default(''),
  DYNAMICS_CLIENT_ID: z.string().min(1),
  DYNAMICS_CLIENT_SECRET_ARN: secretArn,
  UPSTASH_REDIS_REST_URL: z.url(),
  UPSTASH_REDIS_REST_TOKEN_SECRET_ARN: secretArn,
  DATAVERSE_PARALLEL_REQUESTS: z.coerce.number().int().positive(),
  /** Where Neon's HTTP protocol is spoken, if not at the database's own host. */
  NEON_ENDPOINT: z.url().optional(),
  /** Set by the local runner: the outside systems may be on loopback. */
  LOCAL_STACK: z.literal('true').optional(),
});

type ConnectionEnvironment = z.output<typeof connectionEnvironment>;

export interface ConnectionSecrets {
  readonly databaseUrl: string;
  readonly clientSecret: string;
  readonly redisToken: string;
}

/** Where each secret of a connection is, for `startWithSecrets`. */
export const connectionSecrets = (
  env: ConnectionEnvironment,
): Readonly<Record<keyof ConnectionSecrets, string>> => ({
  databaseUrl: env.DATABASE_URL_SECRET_ARN,
  clientSecret: env.DYNAMICS_CLIENT_SECRET_ARN,
  redisToken: env.UPSTASH_REDIS_REST_TOKEN_SECRET_ARN,
});

/** Where a connection says what happens to it. */
interface Observers {
  readonly log: Log;
  readonly metrics: Measurements;
}

export interface Connected {
  readonly database: Database;
  readonly cache: Cache;
  readonly dataverse: DataverseClient;
  readonly tokens: TokenSource;
  readonly orgUrl: string;
  /** Id of the Dataverse organisation that the connection leads to. @throws DataverseError */
  readonly connectedOrganizationId: () => Promise<string>;
}

/**
 * The connection that the environment describes.
 *
 * @throws InvalidUrl
 */
export function parseConnection(
  env: Pick<
    ConnectionEnvironment,
    | 'DYNAMICS_ORG_URL'
    | 'DYNAMICS_AUTHORITY_URL'
    | 'DYNAMICS_TENANT_ID'
    | 'DYNAMICS_CLIENT_ID'
    | 'LOCAL_STACK'
  >,
  clientSecret: string,
): DynamicsConnection {
  const rules = { allowLoopback: env.LOCAL_STACK === 'true' };
  return {
    orgUrl: parseOrganizationUrl(env.DYNAMICS_ORG_URL, rules),
    authorityUrl: parseAuthorityUrl(env.DYNAMICS_AUTHORITY_URL, rules),
    ...(env.DYNAMICS_TENANT_ID !== '' && { tenantId: env.DYNAMICS_TENANT_ID }),
    clientId: env.DYNAMICS_CLIENT_ID,
    clientSecret,
  };
}

/**
 * The adapters of one connection, made once for a container.
 *
 * @throws InvalidUrl, DatabaseUrlInvalid
 */
export function connect(
  env: ConnectionEnvironment,
  secrets: ConnectionSecrets,
  { log, metrics }: Observers,
  { dataverseTimeoutMs = DATAVERSE_TIMEOUT_MS }: { readonly dataverseTimeoutMs?: number } = {},
): Connected {
  const connection = parseConnection(env, secrets.clientSecret);
  const cache = createCache({
    url: env.UPSTASH_REDIS_REST_URL,
    token: secrets.redisToken,
    onFailure: () => {
      metrics.count('CacheFailures');
      log(messages.cacheUnavailable);
    },
  });
  const pauses = pauseKeys(connection);
  const observePause = (event: PauseEvent) => {
    if (event.kind === 'over') {
      log(messages.connectionResumed);
      return;
    }
    const { reason, seconds } = event;
    metrics.seconds('Pauses', seconds, { reason });
    log(messages.connectionPaused, { reason, retryAfterSeconds: seconds });
  };
  const pause = createPause({ key: pauses.dataverse, cache, observe: observePause });
  const tokens = createTokenSource({
    connection,
    cache,
    fetch,
    pause,
    entraPause: createPause({ key: pauses.entra, cache, observe: observePause }),
    observe: (event) => {
      if (event === 'token-requested') metrics.count('TokensRequested');
      log(TOKEN_MESSAGES[event]);
    },
  });
  const dataverse = createDataverseClient({
    connection,
    tokens,
    fetch,
    timeoutMs: dataverseTimeoutMs,
    parallelRequests: env.DATAVERSE_PARALLEL_REQUESTS,
    correlationId: currentRequestId,
    pause,
    observe: (outcome) => metrics.count('DataverseRequests', { outcome }),
  });
  return {
    database: createDatabase({ url: secrets.databaseUrl, endpoint: env.NEON_ENDPOINT }),
    cache,
    dataverse,
    tokens,
    orgUrl: connection.orgUrl,
    connectedOrganizationId: createConnectedOrganization({
      client: dataverse,
      cache,
      orgUrl: connection.orgUrl,
    }),
  };
}
