import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { parseEnvironment } from '../../shared/environment/environment.ts';
import { jsonResponse, unavailableOnError } from '../../shared/lambda/middleware.ts';
import { createLog } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createQueue, createSqsClient } from '../../shared/queue/queue.ts';
import {
  createSecretReader,
  createSecretsManagerClient,
  type SecretVersions,
} from '../../shared/secrets/secrets.ts';
import { environment } from './env.ts';
import { createReceiveWebhook } from './receive-webhook.ts';

const log = createLog();
let receiveWebhook: ReturnType<typeof createReceiveWebhook> | undefined;

function start() {
  const env = parseEnvironment(environment);
  const queue = createQueue(createSqsClient(), env.CONTACT_QUEUE_URL);
  const secrets = createSecretReader({
    client: createSecretsManagerClient(),
    onStale: (error) => log(messages.secretRefreshFailed, { errorName: error.name }),
  });
  const valid = ({ current, previous }: SecretVersions) =>
    previous === undefined ? [current] : [current, previous];
  return createReceiveWebhook({
    authentication: env.WEBHOOK_AUTHENTICATION,
    secrets: {
      read: async () => valid(await secrets.readVersions(env.DYNAMICS_WEBHOOK_SECRET_ARN)),
      refresh: async () => {
        const { value, certain } = await secrets.refresh(env.DYNAMICS_WEBHOOK_SECRET_ARN);
        return { valid: valid(value), certain };
      },
    },
    enqueue: (event) =>
      queue.send({ body: JSON.stringify(event), groupId: event.dataverseOrganizationId }),
    now: () => new Date(),
    log,
    metrics: createMetrics(),
  });
}

/** `POST /api/dynamics/webhook`: an HTTP API event, payload format 2.0. */
export const handler = middy<APIGatewayProxyEventV2>()
  .use(unavailableOnError(() => log))
  .handler(async (event) => {
    receiveWebhook ??= start();
    const { statusCode, body } = await receiveWebhook({
      headers: event.headers,
      rawBody: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    });
    return jsonResponse(statusCode, body);
  });
