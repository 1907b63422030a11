import { expect, test } from 'vitest';
import type { TestRecord } from '../../../functions/test-connection/test-audit.ts';
import { createTestConnection } from '../../../functions/test-connection/test-connection.ts';
import type { DynamicsConnection } from '../../../shared/dataverse/connection.ts';
import { TokenRefused } from '../../../shared/dataverse/errors.ts';
import { connectionOf } from '../dataverse/fakes.ts';
import { recordLog } from '../../support/observability.ts';

function setUp(auditFails = false) {
  const { log, lines } = recordLog();
  const opened: DynamicsConnection[] = [];
  const records: TestRecord[] = [];
  const run = createTestConnection({
    configured: connectionOf(),
    allowLoopback: false,
    openProbe: async (connection) => {
      opened.push(connection);
      throw new TokenRefused([90_002]);
    },
    audit: async (record) => {
      if (auditFails) throw new Error('with personal data');
      records.push(record);
    },
    log,
  });
  return { run, lines, opened, records };
}

const subject = 'operator';

test('a malformed body opens no connection', async () => {
  const { run, opened, records } = setUp();
  expect((await run({ body: '{}', subject })).statusCode).toBe(400);
  expect(opened).toEqual([]);
  expect(records[0]).toMatchObject({ subject, outcome: 'rejected' });
});

test('credentials of the body are used whole, never mixed with the configured ones', async () => {
  const { run, opened } = setUp();
  const given = {
    orgUrl: 'https://fabrikam.crm.dynamics.com',
    clientId: '3f0c0a52-8f44-4c8e-9a53-1d1a5c3c7a01',
    clientSecret: 'another secret',
  };
  await run({ body: JSON.stringify(given), subject });
  expect(opened).toEqual([{ ...given, authorityUrl: connectionOf().authorityUrl }]);
});

test('a test that fails is answered, recorded and logged, without a credential', async () => {
  const { run, lines, records } = setUp();
  const { statusCode, body } = await run({ body: '', subject });
  expect(statusCode).toBe(200);
  expect(body).toMatchObject({ ok: false, organization: { id: null, url: connectionOf().orgUrl } });
  expect(records).toHaveLength(1);
  expect(lines).toMatchObject([{ code: 'ST-002', outcome: 'failed' }]);
  const { clientSecret } = connectionOf();
  expect(JSON.stringify([body, records, lines])).not.toContain(clientSecret);
});

test('what cannot be recorded is not shown', async () => {
  const { run, lines } = setUp(true);
  const { statusCode, body } = await run({ body: '', subject });
  expect(statusCode).toBe(503);
  expect(body).not.toHaveProperty('checks');
  expect(lines).toEqual([{ code: 'ST-003', errorName: 'Error' }]);
});
