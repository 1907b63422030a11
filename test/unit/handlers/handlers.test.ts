import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyEventV2WithJWTAuthorizer,
  Context,
} from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { handler as connectionStatus } from '../../../functions/connection-status/handler.ts';
import { handler as migrateDatabase } from '../../../functions/migrate-database/handler.ts';
import { handler as receiveWebhook } from '../../../functions/receive-webhook/handler.ts';
import { handler as reconcileContacts } from '../../../functions/reconcile-contacts/handler.ts';
import { handler as sweep } from '../../../functions/sweep/handler.ts';
import { handler as syncContact } from '../../../functions/sync-contact/handler.ts';
import { handler as testConnection } from '../../../functions/test-connection/handler.ts';

/** What the functions write: Powertools has a console of its own. */
let written = '';
beforeEach(() => {
  written = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      written += String(text);
      return true;
    });
  }
});
afterEach(() => vi.restoreAllMocks());

const context = { getRemainingTimeInMillis: () => 30_000 } as Context;

/** The exported handlers, as Lambda calls them, in an environment that lacks everything. */
describe('a function whose environment is not complete', () => {
  test('answers a webhook with 503, so that it is sent again, and logs which variables are missing', async () => {
    const event = { headers: {}, body: '{}', isBase64Encoded: false };
    const response = await receiveWebhook(event as APIGatewayProxyEventV2, context);
    expect(response).toMatchObject({ statusCode: 503 });
    expect(written).toContain('"code":"FN-001"');
    expect(written).toContain('CONTACT_QUEUE_URL: missing, DYNAMICS_WEBHOOK_SECRET_ARN: missing');
  });

  test('answers a status with 503, saying that the configuration cannot be used, and logs which', async () => {
    const response = await connectionStatus({} as APIGatewayProxyEventV2, context);
    expect(response).toMatchObject({
      statusCode: 503,
      body: expect.stringContaining('"code":"configuration_unusable"'),
    });
    expect(written).toContain('"code":"ST-004"');
    expect(written).toContain('DYNAMICS_ORG_URL: missing');
  });

  test('answers a test with 503 and logs which variables are missing', async () => {
    const response = await testConnection({} as APIGatewayProxyEventV2WithJWTAuthorizer, context);
    expect(response).toMatchObject({ statusCode: 503 });
    expect(written).toContain('DYNAMICS_ORG_URL: missing');
  });

  test.each([
    ['sync-contact', () => syncContact({ Records: [] }, context), /DYNAMICS_ORG_URL: missing/],
    ['reconcile-contacts', () => reconcileContacts({}, context), /MAX_MISSING_PERCENT: missing/],
    ['sweep', () => sweep({}, context), /AUDIT_KEY_SECRET_ARN: missing/],
    ['migrate-database', () => migrateDatabase({}, context), /DATABASE_URL_SECRET_ARN: missing/],
  ])(
    '%s fails, which leaves everything where it is, and says which are missing',
    async (_, invoke, missing) => {
      await expect(Promise.resolve().then(invoke)).rejects.toMatchObject({
        name: 'FunctionFailed',
        message: expect.stringMatching(missing),
      });
      expect(written).toMatch(missing);
    },
  );
});
