import { describe, expect, test } from 'vitest';
import { DataverseUnavailable, DataverseUnreadable } from '../../../shared/dataverse/errors.ts';
import { discoverTenantId } from '../../../shared/dataverse/tenant.ts';
import { connectionOf, hangingFetch, scriptedFetch, TENANT } from './fakes.ts';

function discover(status: number, challenge?: string) {
  const { fetch, requests } = scriptedFetch(
    () =>
      new Response(null, {
        status,
        headers: challenge === undefined ? {} : { 'www-authenticate': challenge },
      }),
  );
  return { requests, tenant: discoverTenantId(connectionOf(), { fetch, timeoutMs: 1000 }) };
}

describe('the tenant of an organisation', () => {
  test.each([
    `Bearer authorization_uri=https://login.microsoftonline.com/${TENANT}/oauth2/authorize, resource_id=https://contoso.crm4.dynamics.com/`,
    `Bearer authorization_uri="https://login.microsoftonline.com/${TENANT.toUpperCase()}/oauth2/authorize"`,
    `Bearer resource_id=x,authorization_uri=https://evil.example/${TENANT}/`,
  ])('is the GUID in the challenge: %s', async (challenge) => {
    const { tenant, requests } = discover(401, challenge);
    await expect(tenant).resolves.toBe(TENANT);
    expect(requests[0]?.url).toBe(
      'https://contoso.crm4.dynamics.com/api/data/v9.2/?SDKClientVersion=9.1',
    );
    expect(requests[0]?.headers.has('authorization')).toBe(false);
  });

  test.each([
    [401, undefined],
    [401, 'Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize'],
    [401, `Bearer authorization_uri=https://login.microsoftonline.com/x/${TENANT}`],
    [401, `Bearer authorization_uri=${TENANT}`],
    [200, `Bearer authorization_uri=https://login.microsoftonline.com/${TENANT}/`],
  ])('is not taken from %s %s', async (status, challenge) => {
    await expect(discover(status, challenge).tenant).rejects.toBeInstanceOf(DataverseUnreadable);
  });

  test.each([302, 429, 503])('is unknown for now after %s', async (status) => {
    await expect(discover(status).tenant).rejects.toBeInstanceOf(DataverseUnavailable);
  });

  test('a hanging organisation ends in a time-out', async () => {
    await expect(
      discoverTenantId(connectionOf(), { fetch: hangingFetch, timeoutMs: 5 }),
    ).rejects.toMatchObject({ reason: 'timeout', outcomeUnknown: false });
  });
});
