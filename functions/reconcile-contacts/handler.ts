import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import middy from '@middy/core';
import { createContactStore } from '../../shared/contacts/contact-store.ts';
import { readContacts } from '../../shared/contacts/read-contacts.ts';
import { createConsentStatusOptions } from '../../shared/dataverse/consent-status-options.ts';
import { MAX_PAGE_SIZE } from '../../shared/dataverse/client.ts';
import { connect, connectionSecrets } from '../../shared/lambda/connect.ts';
import { cleanedOnError } from '../../shared/lambda/middleware.ts';
import { startWithSecrets } from '../../shared/lambda/start-with-secrets.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createReconcile } from '../../shared/reconcile/reconcile.ts';
import { createTrackingStore } from '../../shared/reconcile/tracking-store.ts';
import { environment } from './env.ts';

const log = createLog();
const metrics = createMetrics();

const start = startWithSecrets(
  environment,
  connectionSecrets,
  (env, secrets) => {
    const { database, cache, dataverse, orgUrl, connectedOrganizationId } = connect(env, secrets, {
      log,
      metrics,
    });
    const optionValues = createConsentStatusOptions({ client: dataverse, cache, orgUrl });
    return createReconcile({
      tracking: createTrackingStore(database),
      contacts: createContactStore(database),
      dataverse,
      readContacts: (ids) => readContacts(dataverse, ids, optionValues),
      optionValues,
      connectedOrganizationId,
      pageSize: MAX_PAGE_SIZE,
      maxMissingShare: env.MAX_MISSING_PERCENT / 100,
      newId: randomUUID,
      wait,
      log,
      metrics,
    });
  },
  log,
);

/** Called by the schedule every five minutes, one at a time. What it does not get done, the next run does. */
export const handler = middy()
  .use(cleanedOnError(() => log))
  .handler(async (_event, context) => {
    const reconcile = await start();
    return reconcile({ remainingMs: () => context.getRemainingTimeInMillis() });
  });
