import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import middy from '@middy/core';
import { createSealer } from '../../shared/audit/seal.ts';
import { createAuditSealing } from '../../shared/audit/seal-audit.ts';
import { createSealStore } from '../../shared/audit/seal-store.ts';
import { createDatabase } from '../../shared/database/database.ts';
import { cleanedOnError } from '../../shared/lambda/middleware.ts';
import { startWithSecrets } from '../../shared/lambda/start-with-secrets.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createQueue, createSqsClient } from '../../shared/queue/queue.ts';
import { createSweepStore } from '../../shared/sweep/sweep-store.ts';
import { createSyncStatusStore } from '../../shared/sync-status/sync-status-store.ts';
import { environment } from './env.ts';
import { createSealing } from './seal.ts';
import { createSweep } from './sweep.ts';

const log = createLog();
const metrics = createMetrics();

const startSweep = startWithSecrets(
  environment,
  (env) => ({ databaseUrl: env.DATABASE_URL_SECRET_ARN }),
  (env, { databaseUrl }) => {
    const sqs = createSqsClient();
    const database = createDatabase({ url: databaseUrl, endpoint: env.NEON_ENDPOINT });
    return createSweep({
      store: createSweepStore(database),
      syncStatus: createSyncStatusStore(database),
      contactQueue: createQueue(sqs, env.CONTACT_QUEUE_URL),
      consentQueue: createQueue(sqs, env.CONSENT_QUEUE_URL),
      newId: randomUUID,
      now: () => new Date(),
      wait,
      log,
      metrics,
    });
  },
  log,
);

/** By itself: without the audit key the clock goes on. */
const startSealing = startWithSecrets(
  environment,
  (env) => ({ databaseUrl: env.DATABASE_URL_SECRET_ARN, auditKey: env.AUDIT_KEY_SECRET_ARN }),
  (env, { databaseUrl, auditKey }) =>
    createAuditSealing(
      createSealStore(createDatabase({ url: databaseUrl, endpoint: env.NEON_ENDPOINT })),
      createSealer(auditKey),
    ),
  log,
);
const seal = createSealing({ start: startSealing, log, metrics });

/** Called by the schedule once a minute, one at a time. */
export const handler = middy()
  .use(cleanedOnError(() => log))
  .handler(async (_event, context) => {
    const remainingMs = () => context.getRemainingTimeInMillis();
    // Side by side: neither waits for the other, nor fails with it.
    const sealing = seal(remainingMs);
    try {
      const sweep = await startSweep();
      return await sweep(remainingMs);
    } finally {
      await sealing;
    }
  });
