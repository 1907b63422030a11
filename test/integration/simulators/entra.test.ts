import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EntraSimulator, startEntraSimulator } from '../../simulators/entra/index.ts';
import { application, json, tokenRequest } from './dataverse-fixture.ts';

const resource = 'https://contoso.crm4.dynamics.com';
let nowMs = Date.UTC(2026, 10, 22, 10);
let entra: EntraSimulator;

beforeAll(async () => {
  entra = await startEntraSimulator({ ...application, now: () => nowMs });
  entra.registerResource(resource);
});
afterEach(() => entra.clearFault());
afterAll(() => entra.close());

async function newToken(): Promise<string> {
  const response = await tokenRequest(entra.url, resource);
  return (await json<{ access_token: string }>(response)).access_token;
}

describe('token endpoint', () => {
  it('issues a token that is bound to its resource and expires', async () => {
    const issuedBefore = entra.tokensIssued;
    const response = await tokenRequest(entra.url, resource);

    expect(response.status).toBe(200);
    const body = await json<{ access_token: string }>(response);
    expect(body).toEqual({
      token_type: 'Bearer',
      expires_in: 3599,
      ext_expires_in: 3599,
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    });
    const claims: unknown = JSON.parse(
      Buffer.from(body.access_token.split('.')[1] ?? '', 'base64url').toString(),
    );
    expect(claims).toMatchObject({
      aud: resource,
      appid: application.clientId,
      tid: application.tenantId,
      iat: nowMs / 1000,
      exp: nowMs / 1000 + 3599,
    });
    expect(entra.tokensIssued).toBe(issuedBefore + 1);
    expect(entra.validate(body.access_token, resource)).toBe('ok');
    expect(entra.validate(body.access_token, 'https://fabrikam.crm4.dynamics.com')).toBe('unknown');
    expect(entra.validate(`${body.access_token}x`, resource)).toBe('unknown');
    expect(entra.validate('nonsense', resource)).toBe('unknown');

    nowMs += 3_599_000;
    expect(entra.validate(body.access_token, resource)).toBe('expired');
  });

  it('accepts a resource with a trailing slash', async () => {
    expect((await tokenRequest(entra.url, `${resource}/`)).status).toBe(200);
  });

  it('revokes every token issued so far', async () => {
    const token = await newToken();
    entra.revokeAll();
    expect(entra.validate(token, resource)).toBe('revoked');
    expect(entra.validate(await newToken(), resource)).toBe('ok');
  });

  it.each([
    ['a wrong secret', { fields: { client_secret: 'wrong' } }, 401, 'invalid_client', 7000215],
    ['no secret', { fields: { client_secret: '' } }, 401, 'invalid_client', 7000218],
    [
      'an unknown application',
      { fields: { client_id: '00000000-0000-4000-8000-000000000000' } },
      400,
      'unauthorized_client',
      700016,
    ],
    [
      'an unknown tenant',
      { tenant: '00000000-0000-4000-8000-000000000000' },
      400,
      'invalid_request',
      90002,
    ],
    ['an unknown domain', { tenant: 'nowhere.example' }, 400, 'invalid_request', 90002],
    ['what is no tenant', { tenant: 'nowhere' }, 400, 'invalid_request', 900023],
    ['no application', { fields: { client_id: '' } }, 400, 'invalid_request', 900144],
    ['no grant type', { fields: { grant_type: '' } }, 400, 'invalid_request', 900144],
    [
      'another grant type',
      { fields: { grant_type: 'password' } },
      400,
      'unsupported_grant_type',
      70003,
    ],
    ['no scope', { fields: { scope: '' } }, 400, 'invalid_request', 900144],
    [
      'a scope without .default',
      { fields: { scope: `${resource}/user_impersonation` } },
      400,
      'invalid_scope',
      1002012,
    ],
    [
      'two scopes',
      { fields: { scope: `${resource}/.default openid` } },
      400,
      'invalid_scope',
      70011,
    ],
    [
      'an unknown resource',
      { fields: { scope: 'https://nowhere.crm.dynamics.com/.default' } },
      400,
      'invalid_resource',
      500011,
    ],
  ])('refuses %s', async (_name, changes, status, error, code) => {
    const response = await tokenRequest(entra.url, resource, changes);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error,
      error_description: expect.stringMatching(
        new RegExp(
          `^AADSTS${code}: .*\\r\\nTrace ID: .*\\r\\nCorrelation ID: .*\\r\\nTimestamp: .*Z$`,
        ),
      ),
      error_codes: [code],
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/),
      trace_id: expect.any(String),
      correlation_id: expect.any(String),
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    });
  });

  it('repeats the correlation id of the caller', async () => {
    const correlationId = '0a0a0a0a-0000-4000-8000-00000000000a';
    const response = await fetch(`${entra.url}/${application.tenantId}/oauth2/v2.0/token`, {
      headers: { 'client-request-id': correlationId },
    });
    expect(response.status).toBe(400);
    const body = await json<{ error_description: string }>(response);
    expect(body).toMatchObject({ error_codes: [900561], correlation_id: correlationId });
    expect(body.error_description).toContain('Received a GET request');
    expect(body.error_description).toContain(`Correlation ID: ${correlationId}`);
  });

  it('reads form-encoded bodies only', async () => {
    const response = await fetch(`${entra.url}/${application.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'client_credentials' }),
    });
    expect(await response.json()).toMatchObject({ error_codes: [900144] });
  });
});

describe('client secrets', () => {
  afterEach(() => entra.setSecrets([{ value: application.clientSecret }]));

  const codeFor = async (client_secret: string) => {
    const response = await tokenRequest(entra.url, resource, { fields: { client_secret } });
    const body = await json<{ error_codes?: number[] }>(response);
    return [response.status, ...(body.error_codes ?? [])];
  };

  it('are several while one takes the place of the other', async () => {
    entra.setSecrets([{ value: 'old', expiresAtMs: nowMs + 1000 }, { value: 'new' }]);
    expect(await codeFor('old')).toEqual([200]);
    expect(await codeFor('new')).toEqual([200]);
    nowMs += 1000;
    expect(await codeFor('old')).toEqual([401, 7000222]);
    expect(await codeFor('new')).toEqual([200]);
    entra.setSecrets([{ value: 'new' }]);
    expect(await codeFor('old')).toEqual([401, 7000215]);
  });
});

describe('faults', () => {
  it('answers 503 with Retry-After while unavailable', async () => {
    entra.setFault({ mode: 'unavailable', retryAfterSeconds: 7 });
    const response = await tokenRequest(entra.url, resource);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toMatchObject({ error_codes: [90033] });
  });

  it('refuses an expired secret', async () => {
    entra.setFault({ mode: 'refused' });
    const response = await tokenRequest(entra.url, resource);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error_codes: [7000222] });
  });

  it('resets the connection, and cuts an answer in half', async () => {
    const issued = entra.tokensIssued;
    entra.setFault({ mode: 'reset' });
    await expect(tokenRequest(entra.url, resource)).rejects.toThrow('fetch failed');
    expect(entra.tokensIssued).toBe(issued);

    entra.setFault({ mode: 'half' });
    const response = await tokenRequest(entra.url, resource);
    await expect(response.text()).rejects.toThrow('terminated');
    expect(entra.tokensIssued).toBe(issued + 1);
  });
});

describe('control API', () => {
  afterEach(() => entra.setSecrets([{ value: application.clientSecret }]));

  async function control(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${entra.controlUrl}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  async function counts(): Promise<unknown> {
    return (await control('GET', '/requests')).json();
  }

  it('counts requests by what came of them', async () => {
    expect((await control('DELETE', '/requests')).status).toBe(204);
    expect(await counts()).toEqual({ total: 0, outcomes: {} });
    await newToken();
    await newToken();
    await tokenRequest(entra.url, resource, { fields: { client_secret: 'wrong' } });
    entra.setFault({ mode: 'unavailable' });
    await tokenRequest(entra.url, resource);
    entra.setFault({ mode: 'reset' });
    await expect(tokenRequest(entra.url, resource)).rejects.toThrow('fetch failed');
    expect(await counts()).toEqual({
      total: 5,
      outcomes: { issued: 2, AADSTS7000215: 1, AADSTS90033: 1, reset: 1 },
    });
    expect(entra.requests()).toEqual(await counts());
  });

  it('replaces secrets, revokes tokens and switches faults', async () => {
    const token = await newToken();
    expect((await control('POST', '/tokens/revoke')).status).toBe(204);
    expect(entra.validate(token, resource)).toBe('revoked');

    const expiresAt = new Date(nowMs).toISOString();
    const secrets = [{ value: application.clientSecret, expiresAt }, { value: 'new' }];
    expect((await control('PUT', '/secrets', { secrets })).status).toBe(204);
    const refused = await tokenRequest(entra.url, resource);
    expect(await refused.json()).toMatchObject({ error_codes: [7000222] });
    const fields = { client_secret: 'new' };
    expect((await tokenRequest(entra.url, resource, { fields })).status).toBe(200);

    const fault = { mode: 'unavailable', retryAfterSeconds: 3 };
    expect((await control('PUT', '/faults', fault)).status).toBe(204);
    const unavailable = await tokenRequest(entra.url, resource);
    expect([unavailable.status, unavailable.headers.get('retry-after')]).toEqual([503, '3']);
    expect((await control('DELETE', '/faults')).status).toBe(204);
    expect((await tokenRequest(entra.url, resource, { fields })).status).toBe(200);
  });

  it.each([
    ['/secrets', {}],
    ['/secrets', { secrets: [{ value: 'a', expiresAt: 'soon' }] }],
    ['/faults', { mode: 'sulk' }],
  ])('refuses PUT %s with %j', async (path, body) => {
    const response = await control('PUT', path, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: { message: expect.any(String) } });
  });

  it('refuses what is no JSON', async () => {
    const response = await fetch(`${entra.controlUrl}/faults`, { method: 'PUT', body: '{' });
    expect(await response.json()).toEqual({
      error: { message: expect.stringContaining('The body is not JSON.') },
    });
  });
});
