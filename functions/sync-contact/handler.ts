import { randomUUID } from 'node:crypto';
import middy from '@middy/core';
import type { SQSEvent } from 'aws-lambda';
import type * as z from 'zod';
import { createCache } from '../../shared/cache/redis.ts';
import { createContactStore } from '../../shared/contacts/contact-store.ts';
import { readContacts } from '../../shared/contacts/read-contacts.ts';
import { createDatabase } from '../../shared/database/database.ts';
import { createDataverseClient } from '../../shared/dataverse/client.ts';
import {
  parseAuthorityUrl,
  parseOrganizationUrl,
} from '../../shared/dataverse/organization-url.ts';
import { createTokenSource } from '../../shared/dataverse/token.ts';
import { parseEnvironment } from '../../shared/environment/environment.ts';
import { cleanedOnError } from '../../shared/lambda/middleware.ts';
import { createLog } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createConsumer } from '../../shared/queue/consume.ts';
import { createQueue, createSqsClient } from '../../shared/queue/queue.ts';
import { createSecretReader, createSecretsManagerClient } from '../../shared/secrets/secrets.ts';
import { createConnectedOrganization } from './connected-organization.ts';
import { environment } from './env.ts';
import { createSyncContact } from './sync-contact.ts';

/** A read takes about 100 ms; what takes longer than this goes to the row's clock. */
const DATAVERSE_TIMEOUT_MS = 5_000;

const log = createLog();
const metrics = createMetrics();

interface Secrets {
  readonly databaseUrl: string;
  readonly clientSecret: string;
  readonly redisToken: string;
}

function createHandler(env: z.output<typeof environment>, secrets: Secrets) {
  const rules = { allowLoopback: env.LOCAL_STACK === 'true' };
  const connection = {
    orgUrl: parseOrganizationUrl(env.DYNAMICS_ORG_URL, rules),
    authorityUrl: parseAuthorityUrl(env.DYNAMICS_AUTHORITY_URL, rules),
    ...(env.DYNAMICS_TENANT_ID !== '' && { tenantId: env.DYNAMICS_TENANT_ID }),
    clientId: env.DYNAMICS_CLIENT_ID,
    clientSecret: secrets.clientSecret,
  };
  const cache = createCache({ url: env.UPSTASH_REDIS_REST_URL, token: secrets.redisToken });
  const tokens = createTokenSource({
    connection,
    cache,
    fetch,
    observe: (event) => {
      if (event === 'cache-unavailable') log(messages.cacheUnavailable);
    },
  });
  const client = createDataverseClient({
    connection,
    tokens,
    fetch,
    timeoutMs: DATAVERSE_TIMEOUT_MS,
    parallelRequests: env.DATAVERSE_PARALLEL_REQUESTS,
  });
  const sqs = createSqsClient();
  return createConsumer({
    queue: createQueue(sqs, env.CONTACT_QUEUE_URL),
    deadLetterQueue: createQueue(sqs, env.CONTACT_DEAD_LETTER_QUEUE_URL),
    handle: createSyncContact({
      store: createContactStore(
        createDatabase({ url: secrets.databaseUrl, endpoint: env.NEON_ENDPOINT }),
      ),
      readContacts: (ids) => readContacts(client, ids),
      connectedOrganizationId: createConnectedOrganization({
        client,
        cache,
        orgUrl: connection.orgUrl,
      }),
      newId: randomUUID,
      now: () => new Date(),
      log,
      metrics,
    }),
    log,
  });
}

let env: z.output<typeof environment> | undefined;
let secretReader: ReturnType<typeof createSecretReader> | undefined;
let consume: ReturnType<typeof createHandler> | undefined;
let madeWith: string | undefined;

/** Made once for a container, and again when a secret was rotated. */
async function start() {
  env ??= parseEnvironment(environment);
  secretReader ??= createSecretReader({
    client: createSecretsManagerClient(),
    onStale: (error) => log(messages.secretRefreshFailed, { errorName: error.name }),
  });
  const [databaseUrl, clientSecret, redisToken] = await Promise.all([
    secretReader.read(env.DATABASE_URL_SECRET_ARN),
    secretReader.read(env.DYNAMICS_CLIENT_SECRET_ARN),
    secretReader.read(env.UPSTASH_REDIS_REST_TOKEN_SECRET_ARN),
  ]);
  const secrets = { databaseUrl, clientSecret, redisToken };
  const made = JSON.stringify(secrets);
  if (consume === undefined || made !== madeWith) {
    consume = createHandler(env, secrets);
    madeWith = made;
  }
  return consume;
}

/** Consumes a batch of the `contact-events` queue; what it does not report as failed is done. */
export const handler = middy<SQSEvent>()
  .use(cleanedOnError(() => log))
  .handler(async (event, context) => {
    const consumeBatch = await start();
    return consumeBatch(event.Records, () => context.getRemainingTimeInMillis());
  });
