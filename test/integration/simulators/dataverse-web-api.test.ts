import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { application, errorOf, type Fixture, json, startFixture } from './dataverse-fixture.ts';

const absentId = '00000000-0000-4000-8000-000000000000';
let nowMs = Date.UTC(2026, 10, 22, 10, 0, 0, 123);
let simulated: Fixture;

beforeAll(async () => {
  simulated = await startFixture({ now: () => nowMs });
});
afterAll(() => simulated.close());

async function read(id: string): Promise<Record<string, unknown>> {
  return json(await simulated.api(`contacts(${id})`));
}

describe('authentication', () => {
  it('names the tenant to a request without a token', async () => {
    const response = await fetch(`${simulated.dataverse.url}/api/data/v9.2/?SDKClientVersion=9.1`);
    expect(response.status).toBe(401);
    expect(await response.text()).toBe('');
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer authorization_uri=${simulated.entra.url}/${application.tenantId}/oauth2/authorize, ` +
        `resource_id=${simulated.dataverse.url}/`,
    );
  });

  it.each([
    ['an unknown token', 'Bearer nonsense'],
    ['another scheme', 'Basic bmFtZTpwYXNz'],
  ])('refuses %s', async (_name, authorization) => {
    const response = await simulated.api('WhoAmI', { headers: { authorization } });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('error=invalid_token');
  });

  it('refuses a token that has expired', async () => {
    nowMs += 3_600_000;
    try {
      expect((await simulated.api('WhoAmI')).status).toBe(401);
    } finally {
      nowMs -= 3_600_000;
    }
    expect((await simulated.api('WhoAmI')).status).toBe(200);
  });
});

describe('organisation', () => {
  it('tells its version, as a function without parameters', async () => {
    const version = await json(await simulated.api('RetrieveVersion()'));
    expect(version).toMatchObject({ Version: expect.stringMatching(/^9\.\d+\.\d+\.\d+$/) });
    expect((await simulated.api('RetrieveVersion()?$select=Version')).status).toBe(400);
  });

  it('says who the caller is and what the organisation is called', async () => {
    const whoAmI = await json(await simulated.api('WhoAmI'));
    expect(whoAmI['OrganizationId']).toBe(simulated.dataverse.organizationId);
    expect(whoAmI).toMatchObject({
      UserId: expect.any(String),
      BusinessUnitId: expect.any(String),
    });

    const id = simulated.dataverse.organizationId;
    const organization = await simulated.api(`organizations(${id})?$select=name`);
    expect(await organization.json()).toMatchObject({ name: 'Contoso Health (simulated)' });
    expect(
      await errorOf(await simulated.api(`organizations(${absentId})?$select=name`)),
    ).toMatchObject({
      status: 404,
      code: '0x80040217',
    });
  });

  it('tells an unknown resource from an unknown row', async () => {
    expect(await errorOf(await simulated.api('kontakte'))).toEqual({
      status: 404,
      code: '0x80060888',
      message: "Resource not found for the segment 'kontakte'.",
    });
    const bare = await fetch(`${simulated.dataverse.url}/api/data/contacts`);
    expect(bare.status).toBe(404);
    expect(bare.headers.get('content-type')).toContain('text/html');
  });
});

describe('reading one contact', () => {
  it('returns the selected columns, the key, and all digits of the version', async () => {
    const id = await simulated.createContact({
      firstname: 'Ada',
      lastname: 'Sample',
      birthdate: '1990-02-28',
      ch_consent_date: '2026-11-22T11:30:15.987+01:00',
      ch_consent_status: 727000000,
    });
    const select =
      'fullname,versionnumber,createdon,birthdate,ch_consent_date,ch_consent_status,ch_marketing_sms,emailaddress1';
    const response = await simulated.api(`contacts(${id.toUpperCase()})?$select=${select}`);
    const text = await response.text();

    expect(response.headers.get('odata-version')).toBe('4.0');
    const version = /"versionnumber":(\d+)[,}]/.exec(text)?.[1];
    expect(BigInt(version ?? 0)).toBeGreaterThan(2n ** 53n);
    expect(JSON.parse(text)).toEqual({
      '@odata.context': expect.stringContaining('$metadata#contacts('),
      '@odata.etag': `W/"${version}"`,
      contactid: id,
      fullname: 'Ada Sample',
      versionnumber: expect.any(Number),
      createdon: '2026-11-22T10:00:00Z',
      birthdate: '1990-02-28',
      ch_consent_date: '2026-11-22T10:30:15Z',
      ch_consent_status: 727000000,
      ch_marketing_sms: false,
      emailaddress1: null,
    });
  });

  it('answers 304 to the current ETag', async () => {
    const id = await simulated.createContact({ lastname: 'Etag' });
    const etag = String((await read(id))['@odata.etag']);
    const get = (value: string) =>
      simulated.api(`contacts(${id})?$select=lastname`, { headers: { 'if-none-match': value } });
    expect((await get(etag)).status).toBe(304);
    expect((await get('null')).status).toBe(200);
  });

  it.each([
    [`contacts(${absentId})?$select=lastname`, 404, '0x80040217', /Does Not Exist/],
    ['contacts(nonsense)', 400, '0x80060888', /syntax/],
    [`contacts(${absentId})?$select=nickname`, 400, '0x80060888', /'nickname'/],
    [`contacts(${absentId})?$expand=owner`, 400, '0x80060888', /expand/],
  ])('refuses %s', async (path, status, code, message) => {
    expect(await errorOf(await simulated.api(path))).toEqual({
      status,
      code,
      message: expect.stringMatching(message),
    });
  });
});

describe('writing contacts', () => {
  it('creates, and refuses an id that is taken', async () => {
    const response = await simulated.api('contacts', {
      method: 'POST',
      body: { lastname: 'Created' },
    });
    expect(response.status).toBe(204);
    const location = response.headers.get('odata-entityid') ?? '';
    expect(location).toMatch(/\/api\/data\/v9\.2\/contacts\([0-9a-f-]{36}\)$/);
    const contactid = /\(([^)]+)\)$/.exec(location)?.[1] ?? '';
    expect(await read(contactid)).toMatchObject({ lastname: 'Created', statecode: 0 });

    const again = await simulated.api('contacts', { method: 'POST', body: { contactid } });
    expect(await errorOf(again)).toMatchObject({ status: 412, code: '0x80040237' });
  });

  it('updates an existing row, raising its version even if nothing changes', async () => {
    const id = await simulated.createContact({ firstname: 'Old', lastname: 'Name' });
    const before = await read(id);
    const patch = () =>
      simulated.api(`contacts(${id})`, {
        method: 'PATCH',
        headers: { 'if-match': '*' },
        body: { firstname: 'New', emailaddress1: null },
      });
    expect((await patch()).status).toBe(204);
    const after = await read(id);
    expect(after).toMatchObject({ firstname: 'New', fullname: 'New Name' });
    expect(after['@odata.etag']).not.toBe(before['@odata.etag']);
    await patch();
    expect((await read(id))['@odata.etag']).not.toBe(after['@odata.etag']);
  });

  it('creates what is missing, unless If-Match forbids it', async () => {
    const missing = '11111111-1111-4111-8111-111111111111';
    const patch = (headers: object) =>
      simulated.api(`contacts(${missing})`, {
        method: 'PATCH',
        headers,
        body: { lastname: 'Upsert' },
      });

    expect(await errorOf(await patch({ 'if-match': '*' }))).toMatchObject({
      status: 404,
      code: '0x80040217',
      message: expect.stringContaining(missing),
    });
    expect((await patch({})).status).toBe(204);
    expect(await read(missing)).toMatchObject({ contactid: missing, lastname: 'Upsert' });
    expect((await patch({ 'if-none-match': '*' })).status).toBe(412);
  });

  it('refuses a stale ETag', async () => {
    const id = await simulated.createContact({ lastname: 'First' });
    const etag = String((await read(id))['@odata.etag']);
    const patch = () =>
      simulated.api(`contacts(${id})`, {
        method: 'PATCH',
        headers: { 'if-match': etag },
        body: { lastname: 'Second' },
      });
    expect((await patch()).status).toBe(204);
    expect(await errorOf(await patch())).toMatchObject({ status: 412, code: '0x80060882' });
    const deletion = await simulated.api(`contacts(${id})`, {
      method: 'DELETE',
      headers: { 'if-match': etag },
    });
    expect(deletion.status).toBe(412);
  });

  it.each([
    ['an unknown column', { nickname: 'x' }, 400, '0x80048d19'],
    ['a number for a text', { firstname: 5 }, 400, '0x80048d19'],
    ['a text for a boolean', { ch_marketing_email: 'true' }, 400, '0x80048d19'],
    ['a date without a time', { ch_consent_date: '2026-11-22' }, 400, '0x80048d19'],
    ['a day that does not exist', { birthdate: '2026-02-30' }, 400, '0x80048d19'],
    ['an option of another tenant', { ch_consent_status: 100000001 }, 400, '0x8004431a'],
    ['a lookup', { _masterid_value: absentId }, 400, '0x80048d19'],
    ['a status of another state', { statecode: 1, statuscode: 1 }, 400, '0x80048408'],
    ['a long first name', { firstname: 'x'.repeat(51) }, 400, '0x80044331'],
    ['a long last name', { lastname: 'x'.repeat(51) }, 400, '0x80044331'],
    ['a long email', { emailaddress1: 'x'.repeat(101) }, 400, '0x80044331'],
    ['a long phone number', { telephone1: 'x'.repeat(51) }, 400, '0x80044331'],
    ['a null character', { firstname: 'a\u0000b' }, 400, '0x80040278'],
    ['a list', [], 400, '0x80048d19'],
    ['half of an object', '{"firstname":', 400, '0x80048d19'],
  ])('refuses %s', async (_name, body, status, code) => {
    const id = await simulated.createContact({ lastname: 'Unchanged' });
    const before = await read(id);
    const response = await simulated.api(`contacts(${id})`, { method: 'PATCH', body });
    expect(await errorOf(response)).toMatchObject({ status, code });
    expect(await read(id)).toEqual(before);
  });

  it('refuses another content type', async () => {
    const id = await simulated.createContact({ lastname: 'Type' });
    const response = await simulated.api(`contacts(${id})`, {
      method: 'PATCH',
      headers: { 'content-type': 'text/plain' },
      body: '{}',
    });
    expect(response.status).toBe(415);
  });

  it('ignores read-only columns, and deactivates with the matching status', async () => {
    const id = await simulated.createContact({ firstname: 'Read', lastname: 'Only' });
    const body = { fullname: 'Someone Else', versionnumber: 1, statecode: 1 };
    expect((await simulated.api(`contacts(${id})`, { method: 'PATCH', body })).status).toBe(204);
    expect(await read(id)).toMatchObject({ fullname: 'Read Only', statecode: 1, statuscode: 2 });
  });

  it('deletes', async () => {
    const id = await simulated.createContact({ lastname: 'Gone' });
    expect((await simulated.api(`contacts(${id})`, { method: 'DELETE' })).status).toBe(204);
    expect((await simulated.api(`contacts(${id})`)).status).toBe(404);
    expect((await simulated.api(`contacts(${id})`, { method: 'DELETE' })).status).toBe(404);
    expect((await simulated.api('contacts', { method: 'DELETE' })).status).toBe(405);
  });
});
