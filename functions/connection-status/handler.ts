import { setTimeout as delay } from 'node:timers/promises';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { connect, connectionSecrets } from '../../shared/lambda/connect.ts';
import { jsonResponse, unavailableOnError } from '../../shared/lambda/middleware.ts';
import { startWithSecrets } from '../../shared/lambda/start-with-secrets.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createQueue, createSqsClient } from '../../shared/queue/queue.ts';
import { createSyncStatusStore } from '../../shared/sync-status/sync-status-store.ts';
import { createConnectionStatus, DEADLINE_MS, type StatusSources } from './connection-status.ts';
import { environment } from './env.ts';

const log = createLog();
const metrics = createMetrics();

/** Any key will do: what counts is that Redis answers. */
const CACHE_PROBE_KEY = 'connection-status';

const start = startWithSecrets(
  environment,
  connectionSecrets,
  (env, secrets): StatusSources => {
    const { database, cache, dataverse, tokens, orgUrl } = connect(
      env,
      secrets,
      { log, metrics },
      {
        // What has not answered by then must not hold up the next status.
        dataverseTimeoutMs: DEADLINE_MS,
      },
    );
    const sqs = createSqsClient();
    const counts = (queueUrl: string, deadLetterQueueUrl: string) => async () => {
      const [waiting, deadLettered] = await Promise.all([
        createQueue(sqs, queueUrl).waiting(),
        // One that somebody looks at just now is a dead letter all the same.
        createQueue(sqs, deadLetterQueueUrl).total(),
      ]);
      return { waiting, deadLettered };
    };
    const syncStatus = createSyncStatusStore(database);
    return {
      orgUrl,
      token: () => tokens.get(),
      whoAmI: () => dataverse.whoAmI(),
      organizationName: (id) => dataverse.getOrganizationName(id),
      missingColumns: () => dataverse.getMissingColumns(),
      isKnown: (id) => syncStatus.isKnown(id),
      sync: () => syncStatus.read(),
      contactQueues: counts(env.CONTACT_QUEUE_URL, env.CONTACT_DEAD_LETTER_QUEUE_URL),
      consentQueues: counts(env.CONSENT_QUEUE_URL, env.CONSENT_DEAD_LETTER_QUEUE_URL),
      cache: () => cache.get(CACHE_PROBE_KEY),
    };
  },
  log,
);

const connectionStatus = createConnectionStatus({
  connect: start,
  now: Date.now,
  wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
  log,
});

/** `GET /api/dynamics/status`: an HTTP API event, payload format 2.0; the gateway has checked the token. */
export const handler = middy<APIGatewayProxyEventV2>()
  .use(unavailableOnError(() => log))
  .handler(async () => {
    const { statusCode, body } = await connectionStatus();
    return jsonResponse(statusCode, { ...body });
  });
