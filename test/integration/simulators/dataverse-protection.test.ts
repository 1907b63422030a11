import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, type Fixture, json, startFixture } from './dataverse-fixture.ts';

const absentId = '00000000-0000-4000-8000-000000000000';
let nowMs = Date.UTC(2026, 10, 22, 10);
let simulated: Fixture;

beforeAll(async () => {
  simulated = await startFixture({ now: () => nowMs });
});
afterEach(async () => {
  await simulated.control('PUT', '/limits', {});
  await simulated.control('PUT', '/privileges', {});
});
afterAll(() => simulated.close());

const privileges = (changes: object) => simulated.control('PUT', '/privileges', changes);

describe('service protection', () => {
  it('answers 429 with the seconds to wait, and then lets through again', async () => {
    await simulated.control('PUT', '/limits', { requests: 3 });
    const first = await simulated.api('WhoAmI');
    expect(first.headers.get('x-ms-ratelimit-burst-remaining-xrm-requests')).toBe('2');
    await simulated.api('WhoAmI');
    nowMs += 60_000;
    await simulated.api('WhoAmI');
    const refused = await simulated.api('WhoAmI');
    expect(refused.headers.get('retry-after')).toBe('240');
    expect(await errorOf(refused)).toEqual({
      status: 429,
      code: '0x80072322',
      message: 'Number of requests exceeded the limit of 3 over time window of 300 seconds.',
    });
    nowMs += 240_000;
    expect((await simulated.api('WhoAmI')).status).toBe(200);
  });

  it('does not count what has no valid token', async () => {
    await simulated.control('PUT', '/limits', { requests: 1 });
    for (let sent = 0; sent < 3; sent += 1) {
      await simulated.api('WhoAmI', { headers: { authorization: 'Bearer nonsense' } });
    }
    expect((await simulated.api('WhoAmI')).status).toBe(200);
  });

  it('bills 150 ms for an update, and 19 ms for a row of UpdateMultiple', async () => {
    const ids = [
      await simulated.createContact({ lastname: 'A' }),
      await simulated.createContact({ lastname: 'B' }),
    ];
    await simulated.control('PUT', '/limits', { executionMs: 187 });
    const targets = ids.map((contactid) => ({
      '@odata.type': 'Microsoft.Dynamics.CRM.contact',
      contactid,
      lastname: 'Both',
    }));
    const many = await simulated.api('contacts/Microsoft.Dynamics.CRM.UpdateMultiple', {
      method: 'POST',
      body: { Targets: targets },
    });
    expect(many.status).toBe(204);
    const remaining = 'x-ms-ratelimit-time-remaining-xrm-requests';
    expect(many.headers.get(remaining)).toBe('0.15');
    const patch = () =>
      simulated.api(`contacts(${ids[0]})`, { method: 'PATCH', body: { lastname: 'One' } });
    expect((await patch()).status).toBe(204);
    expect((await patch()).status).toBe(429);
  });

  it('counts requests that are still open', async () => {
    await simulated.control('PUT', '/limits', { concurrentRequests: 1 });
    await simulated.control('PUT', '/faults', { mode: 'hang', paths: ['contacts'] });
    const abort = new AbortController();
    const open = fetch(`${simulated.dataverse.url}/api/data/v9.2/contacts`, {
      headers: { authorization: `Bearer ${simulated.token}` },
      signal: abort.signal,
    });
    await expect
      .poll(async () => errorOf(await simulated.api('WhoAmI')).catch(() => undefined))
      .toMatchObject({ status: 429, code: '0x80072326' });
    abort.abort();
    await expect(open).rejects.toThrow('aborted');
    await expect.poll(async () => (await simulated.api('WhoAmI')).status).toBe(200);
    await simulated.control('DELETE', '/faults');
  });
});

describe('privileges', () => {
  it('of one user leave rows out of a list without a word, and refuse to read one', async () => {
    const others = await simulated.createContact({ lastname: 'Theirs' });
    const own = await simulated.createContact({ lastname: 'Ours' });
    await simulated.control('POST', `/contacts/${own}/assign`, { to: 'application' });
    await privileges({ read: 'user', write: 'user', delete: 'user' });

    const ids = `PropertyValues=['${others}','${own}']`;
    const filter = `Microsoft.Dynamics.CRM.In(PropertyName='contactid',${ids})`;
    const list = await json<{ value: Record<string, unknown>[] }>(
      await simulated.api(`contacts?$select=lastname&$filter=${encodeURIComponent(filter)}`),
    );
    expect(list.value.map((row) => row['contactid'])).toEqual([own]);
    const count = `contacts/$count?$filter=${encodeURIComponent(filter)}`;
    expect(await (await simulated.api(count)).text()).toBe('1');

    expect((await simulated.api(`contacts(${own})`)).status).toBe(200);
    expect(await errorOf(await simulated.api(`contacts(${others})`))).toMatchObject({
      status: 403,
      code: '0x80048306',
      message: expect.stringContaining('does not have ReadAccess right(s)'),
    });
    for (const init of [{ method: 'PATCH', body: {} }, { method: 'DELETE' }]) {
      expect(await errorOf(await simulated.api(`contacts(${others})`, init))).toMatchObject({
        status: 403,
        code: '0x80048306',
      });
    }
    // What does not exist is still known not to.
    expect((await errorOf(await simulated.api(`contacts(${absentId})`))).status).toBe(404);
  });

  it.each([
    ['read', 'GET', 'contacts', undefined, 'prvReadContact'],
    ['read', 'GET', `contacts(${absentId})`, undefined, 'prvReadContact'],
    ['create', 'POST', 'contacts', { lastname: 'x' }, 'prvCreateContact'],
    ['create', 'PATCH', `contacts(${absentId})`, { lastname: 'x' }, 'prvCreateContact'],
    ['write', 'PATCH', `contacts(${absentId})`, { lastname: 'x' }, 'prvWriteContact'],
    ['delete', 'DELETE', `contacts(${absentId})`, undefined, 'prvDeleteContact'],
  ])('without %s refuse %s %s', async (right, method, path, body, privilege) => {
    await privileges({ [right]: 'none' });
    expect(await errorOf(await simulated.api(path, { method, body }))).toMatchObject({
      status: 403,
      code: '0x80040220',
      message: expect.stringContaining(`is missing ${privilege} privilege`),
    });
  });

  it('without customisation refuse columns and registrations', async () => {
    await privileges({ customize: false });
    const attributes = "EntityDefinitions(LogicalName='contact')/Attributes";
    for (const path of [attributes, 'serviceendpoints', 'PublishAllXml']) {
      const refused = await simulated.api(path, { method: 'POST', body: {} });
      expect(await errorOf(refused)).toMatchObject({ status: 403, code: '0x80040220' });
    }
  });
});

describe('an organisation that is not found', () => {
  it('answers with a 404 that has no code', async () => {
    const id = await simulated.createContact({ lastname: 'There' });
    await simulated.control('PUT', '/organization', { found: false });
    const missing = await simulated.api(`contacts(${id})`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('content-type')).toContain('text/html');
    await simulated.control('PUT', '/organization', { found: true });
    expect((await simulated.api(`contacts(${id})`)).status).toBe(200);
  });
});
