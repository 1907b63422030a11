import { randomUUID } from 'node:crypto';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda';
import { createDatabase } from '../../shared/database/database.ts';
import { parseConnection } from '../../shared/lambda/connect.ts';
import { jsonResponse, unavailableOnError } from '../../shared/lambda/middleware.ts';
import { startWithSecrets } from '../../shared/lambda/start-with-secrets.ts';
import { createLog } from '../../shared/observability/log.ts';
import { environment } from './env.ts';
import { openProbe } from '../../shared/connection-test/probe.ts';
import { createTestAudit } from './test-audit.ts';
import { createTestConnection } from './test-connection.ts';

const log = createLog();

const start = startWithSecrets(
  environment,
  (env) => ({
    databaseUrl: env.DATABASE_URL_SECRET_ARN,
    clientSecret: env.DYNAMICS_CLIENT_SECRET_ARN,
  }),
  (env, { databaseUrl, clientSecret }) => {
    const database = createDatabase({ url: databaseUrl, endpoint: env.NEON_ENDPOINT });
    const parallelRequests = env.DATAVERSE_PARALLEL_REQUESTS;
    return createTestConnection({
      configured: parseConnection(env, clientSecret),
      allowLoopback: env.LOCAL_STACK === 'true',
      openProbe: (connection) =>
        openProbe(connection, { fetch, parallelRequests, newId: randomUUID }),
      audit: createTestAudit(database, randomUUID),
      log,
    });
  },
  log,
);

/** `POST /api/dynamics/test`: an HTTP API event, payload format 2.0; the gateway has checked the token. */
export const handler = middy<APIGatewayProxyEventV2WithJWTAuthorizer>()
  .use(unavailableOnError(() => log))
  .handler(async (event) => {
    const testConnection = await start();
    const { body = '', isBase64Encoded, requestContext } = event;
    const { statusCode, body: answer } = await testConnection({
      body: isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body,
      subject: String(requestContext.authorizer.jwt.claims['sub'] ?? ''),
    });
    return jsonResponse(statusCode, { ...answer });
  });
