import { join } from 'node:path';
import middy from '@middy/core';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { parseEnvironment } from '../../shared/environment/environment.ts';
import { cleanedOnError } from '../../shared/lambda/middleware.ts';
import { createLog } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import { createSecretReader, createSecretsManagerClient } from '../../shared/secrets/secrets.ts';
import { environment } from './env.ts';

const log = createLog();

/** Run by every deploy before the other functions change; its failure stops the deploy. */
export const handler = middy()
  .use(cleanedOnError(() => log))
  .handler(async () => {
    const env = parseEnvironment(environment);
    const secrets = createSecretReader({ client: createSecretsManagerClient() });
    const applied = await migrateDatabase({
      url: await secrets.read(env.DATABASE_URL_SECRET_ARN),
      endpoint: env.NEON_ENDPOINT,
      directory: join(env.LAMBDA_TASK_ROOT, 'migrations'),
      onInvalidIndexDropped: (index) => log(messages.invalidIndexDropped, { migration: index }),
    });
    log(messages.databaseMigrated, { count: applied.length });
    return { applied };
  });
