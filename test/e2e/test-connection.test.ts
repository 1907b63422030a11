import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Check, CheckName } from '../../shared/connection-test/checks.ts';
import { type RunningStack, startRunningStack } from './running-stack.ts';

let it: RunningStack;
beforeAll(async () => {
  it = await startRunningStack();
});
afterAll(() => it?.close());

interface Tested {
  readonly ok: boolean;
  readonly organization: { id: string; name: string; url: string; version: string };
  readonly user: { id: string };
  readonly checks: readonly Check[];
}

async function run(body?: unknown): Promise<Tested> {
  const response = await it.ask('POST', 'test', {
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Tested;
}

const failedChecks = ({ checks }: Tested) => checks.filter(({ ok }) => !ok).map(({ name }) => name);
const checkOf = ({ checks }: Tested, name: CheckName) =>
  checks.find((check) => check.name === name);

const given = (changes: object = {}) => ({
  orgUrl: it.details.dataverseUrl,
  tenantId: it.details.tenantId,
  clientId: it.details.clientId,
  clientSecret: it.details.clientSecret,
  ...changes,
});

/** What is on record of the last test. */
const lastAudit = async () =>
  (
    await it.sql<{ outcome: string; source: string; organization_id: string; new_values: object }>(
      `select outcome, source, organization_id, new_values from audit_logs
       where action = 'connection_tested' order by "timestamp" desc limit 1`,
    )
  )[0];

test('who has not signed in gets 401, who lacks the scope 403, and neither is tested', async () => {
  expect((await it.ask('POST', 'test', { token: null })).status).toBe(401);
  expect((await it.ask('POST', 'test', { token: it.details.patientToken })).status).toBe(403);
  expect(await lastAudit()).toBeUndefined();
});

test('the configured connection passes every check and is put on record', async () => {
  const tested = await run();
  expect(tested.checks.map(({ name, ok }) => [name, ok])).toEqual([
    ['token', true],
    ['reachability', true],
    ['read', true],
    ['write', true],
    ['fields', true],
    ['changeTracking', true],
    ['webhook', true],
  ]);
  expect(tested).toMatchObject({
    ok: true,
    organization: {
      id: it.details.dataverseOrganizationId,
      name: expect.stringMatching(/./),
      url: it.details.dataverseUrl,
      version: expect.stringMatching(/^9\./),
    },
    user: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  });
  expect(await lastAudit()).toEqual({
    outcome: 'passed',
    source: 'operator',
    organization_id: it.details.organizationId,
    new_values: {
      subject: 'local-operator',
      orgUrl: it.details.dataverseUrl,
      credentials: 'configured',
      failed: [],
    },
  });
});

test('credentials of the body are tried, with or without a tenant, and nothing of them is kept', async () => {
  expect((await run(given())).ok).toBe(true);
  expect((await run(given({ tenantId: undefined }))).ok).toBe(true);
  const audit = await lastAudit();
  expect(audit?.new_values).toMatchObject({ credentials: 'given' });
  expect(JSON.stringify(audit)).not.toContain(it.details.clientSecret);
  expect(JSON.stringify(audit)).not.toContain(it.details.clientId);
});

test.each([
  ['no JSON', 'nonsense', []],
  ['a list', '[]', []],
  ['a host that is not Dataverse', { orgUrl: 'https://example.com' }, ['orgUrl']],
  ['a host that only looks like it', { orgUrl: 'https://x.crm4.dynamics.com.example' }, ['orgUrl']],
  ['a path', { orgUrl: 'https://contoso.crm4.dynamics.com/api' }, ['orgUrl']],
  ['a metadata service', { orgUrl: 'http://169.254.169.254' }, ['orgUrl']],
  ['a tenant that is a path', { tenantId: '../common' }, ['tenantId']],
  ['a tenant that is a word', { tenantId: 'common' }, ['tenantId']],
  ['no secret', { clientSecret: undefined }, ['clientSecret']],
  ['an authority of its own', { authorityUrl: 'https://example.com' }, []],
])('%s is refused with 400 and recorded', async (_, changes, fields) => {
  const body = typeof changes === 'string' ? changes : JSON.stringify(given(changes));
  const response = await it.ask('POST', 'test', { body });
  expect(response.status).toBe(400);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ error: 'malformed', fields });
  expect(text).not.toContain(it.details.clientSecret);
  expect(await lastAudit()).toMatchObject({
    outcome: 'rejected',
    new_values: { subject: 'local-operator', failed: fields },
  });
});

describe('what administrators get wrong', () => {
  afterEach(async () => {
    await it.control('PUT', '/privileges', {});
    await it.entra('PUT', '/secrets', { secrets: [{ value: it.details.clientSecret }] });
  });

  test('has a remedy of its own each', async () => {
    const wrongSecret = await run(given({ clientSecret: 'wrong' }));
    const wrongTenant = await run(given({ tenantId: crypto.randomUUID() }));
    const unknownOrganization = await run(given({ orgUrl: 'http://127.0.0.1:9' }));
    await it.entra('PUT', '/secrets', {
      secrets: [{ value: it.details.clientSecret, expiresAt: '2026-01-01T00:00:00Z' }],
    });
    const expiredSecret = await run();
    await it.entra('PUT', '/secrets', { secrets: [{ value: it.details.clientSecret }] });

    await it.control('PUT', '/privileges', { read: 'user', write: 'none' });
    const missingPrivilege = await run();
    await it.control('PUT', '/privileges', {});
    await deleteColumn('ch_last_sync');
    const missingColumn = await run();

    for (const tested of [wrongSecret, wrongTenant, unknownOrganization, expiredSecret]) {
      expect(tested.ok).toBe(false);
      expect(failedChecks(tested)[0]).toBe('token');
      expect(failedChecks(tested)).toHaveLength(7);
    }
    expect(failedChecks(missingPrivilege)).toEqual(['read', 'write']);
    expect(failedChecks(missingColumn)).toEqual(['fields']);
    expect(checkOf(missingColumn, 'fields')?.message).toContain('ch_last_sync');
    const remedies = [
      ...[wrongSecret, wrongTenant, unknownOrganization, expiredSecret].map(
        (tested) => checkOf(tested, 'token')?.remedy,
      ),
      checkOf(missingPrivilege, 'write')?.remedy,
      checkOf(missingColumn, 'fields')?.remedy,
    ];
    expect(new Set(remedies).size).toBe(6);
    expect(remedies).not.toContain(null);
    expect(await lastAudit()).toMatchObject({
      outcome: 'failed',
      new_values: { failed: ['fields'] },
    });
  });

  test('changes no contact', async () => {
    const before = await it.control('GET', '/contacts');
    await run();
    expect(await it.control('GET', '/contacts')).toEqual(before);
  });
});

/** As an administrator of Dynamics does. */
async function deleteColumn(name: string): Promise<void> {
  const { entraUrl, tenantId, clientId, clientSecret, dataverseUrl } = it.details;
  const answer = await fetch(`${entraUrl}/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope: `${dataverseUrl}/.default`,
    }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const path = `EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='${name}')`;
  const deleted = await fetch(`${dataverseUrl}/api/data/v9.2/${path}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
  });
  expect(deleted.status).toBe(204);
}
