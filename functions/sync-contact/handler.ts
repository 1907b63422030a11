import { randomUUID } from 'node:crypto';
import middy from '@middy/core';
import type { SQSEvent } from 'aws-lambda';
import { createConsentStatusOptions } from '../../shared/dataverse/consent-status-options.ts';
import { createContactStore } from '../../shared/contacts/contact-store.ts';
import { readContacts } from '../../shared/contacts/read-contacts.ts';
import { connect, connectionSecrets } from '../../shared/lambda/connect.ts';
import { cleanedOnError } from '../../shared/lambda/middleware.ts';
import { startWithSecrets } from '../../shared/lambda/start-with-secrets.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createConsumer } from '../../shared/queue/consume.ts';
import { createQueue, createSqsClient } from '../../shared/queue/queue.ts';
import { environment } from './env.ts';
import { createSyncContact } from './sync-contact.ts';

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
    const sqs = createSqsClient();
    return createConsumer({
      queue: createQueue(sqs, env.CONTACT_QUEUE_URL),
      deadLetterQueue: createQueue(sqs, env.CONTACT_DEAD_LETTER_QUEUE_URL),
      handle: createSyncContact({
        store: createContactStore(database),
        readContacts: (ids) => readContacts(dataverse, ids, optionValues),
        connectedOrganizationId,
        newId: randomUUID,
        now: () => new Date(),
        log,
        metrics,
      }),
      log,
      metrics,
    });
  },
  log,
);

/** Consumes a batch of the `contact-events` queue; what it does not report as failed is done. */
export const handler = middy<SQSEvent>()
  .use(cleanedOnError(() => log))
  .handler(async (event, context) => {
    const consume = await start();
    return consume(event.Records, () => context.getRemainingTimeInMillis());
  });
