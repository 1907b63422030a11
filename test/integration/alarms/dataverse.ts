import { vi } from 'vitest';
import { DataverseError } from '../../../shared/dataverse/errors.ts';
import { connect } from '../../../shared/lambda/connect.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { recordLog } from '../../support/observability.ts';
import { connectionOf, json, networkError, TENANT } from '../../unit/dataverse/fakes.ts';

const CONNECTION = connectionOf();
const USER = {
  OrganizationId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  UserId: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
};
const TOKEN = { token_type: 'Bearer', access_token: 'a-token', expires_in: 3599 };

/** One question to Dataverse by a new container, which has no Redis; Dataverse answers like this. */
async function ask(answer: () => Response | Error): Promise<void> {
  vi.stubGlobal('fetch', async (input: string | URL | Request): Promise<Response> => {
    const { origin } = new URL(input instanceof Request ? input.url : input);
    if (origin === CONNECTION.authorityUrl) return json(200, TOKEN);
    const result = origin === CONNECTION.orgUrl ? answer() : networkError('ECONNREFUSED');
    if (result instanceof Error) throw result;
    return result;
  });
  try {
    const { dataverse } = connect(
      {
        DATABASE_URL_SECRET_ARN: 'arn',
        DYNAMICS_ORG_URL: CONNECTION.orgUrl,
        DYNAMICS_AUTHORITY_URL: CONNECTION.authorityUrl,
        DYNAMICS_TENANT_ID: TENANT,
        DYNAMICS_CLIENT_ID: CONNECTION.clientId,
        DYNAMICS_CLIENT_SECRET_ARN: 'arn',
        UPSTASH_REDIS_REST_URL: 'https://contoso.upstash.io',
        UPSTASH_REDIS_REST_TOKEN_SECRET_ARN: 'arn',
        DATAVERSE_PARALLEL_REQUESTS: 4,
      },
      {
        databaseUrl: 'postgres://user:password@db.example.test/main',
        clientSecret: 'secret',
        redisToken: 'token',
      },
      { log: recordLog().log, metrics: createMetrics() },
    );
    await dataverse.whoAmI().catch((error: unknown) => {
      if (!(error instanceof DataverseError)) throw error;
    });
  } finally {
    vi.unstubAllGlobals();
  }
}

const after = (status: number, seconds: number) =>
  new Response('', { status, headers: { 'retry-after': String(seconds) } });

/** How Dataverse can take a question. */
export const dataverse = {
  well: () => ask(() => json(200, USER)),
  throttling: (seconds: number) => ask(() => after(429, seconds)),
  down: () => ask(() => after(503, 30)),
  refusing: () => ask(() => new Response('', { status: 401 })),
  away: () => ask(() => networkError('ECONNRESET')),
};
