import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, type Fixture, json, startFixture } from './dataverse-fixture.ts';

const CONTACT = 'Microsoft.Dynamics.CRM.contact';
const absentId = '00000000-0000-4000-8000-000000000000';
let simulated: Fixture;

beforeAll(async () => {
  simulated = await startFixture();
});
afterAll(() => simulated.close());

async function read(id: string): Promise<Record<string, unknown>> {
  return json(await simulated.api(`contacts(${id})`));
}

const post = (path: string, body: unknown) => simulated.api(path, { method: 'POST', body });

describe('UpdateMultiple', () => {
  const path = 'contacts/Microsoft.Dynamics.CRM.UpdateMultiple';
  const target = (contactid: unknown, values: object = { lastname: 'New' }) => ({
    '@odata.type': CONTACT,
    contactid,
    ...values,
  });

  it('changes all its targets', async () => {
    const ids = [
      await simulated.createContact({ lastname: 'A' }),
      await simulated.createContact({ lastname: 'B' }),
    ];
    const response = await post(`${path}?tag=consenthub`, { Targets: ids.map((id) => target(id)) });
    expect(response.status).toBe(204);
    for (const id of ids) expect(await read(id)).toMatchObject({ lastname: 'New' });
  });

  it.each([
    ['a target that does not exist', [target(absentId)], 404, '0x80040217', /With Ids = 0{8}/],
    ['a value that is refused', [target(absentId, { firstname: 5 })], 400, '0x80048d19', /Edm/],
    ['an unknown column', [target(absentId, { nickname: 'x' })], 400, '0x80048d19', /'nickname'/],
    ['a target without its key', [{ '@odata.type': CONTACT }], 400, '0x80048d19', /'contactid'/],
    ['a target without its type', [{ contactid: absentId }], 400, '0x80048d19', /'@odata.type'/],
    ['a state that does not fit', [target(absentId, { statuscode: 9 })], 400, '0x8004431a', /9/],
  ])('changes none with %s', async (_name, others, status, code, message) => {
    const id = await simulated.createContact({ lastname: 'Unchanged' });
    const before = await read(id);
    const response = await post(path, { Targets: [target(id), ...others] });
    expect(await errorOf(response)).toEqual({
      status,
      code,
      message: expect.stringMatching(message),
    });
    expect(await read(id)).toEqual(before);
  });

  it('changes none with a status of another state, which only the row itself shows', async () => {
    const first = await simulated.createContact({ lastname: 'First' });
    const second = await simulated.createContact({ lastname: 'Second' });
    const response = await post(path, {
      Targets: [target(first), target(second, { statecode: 1, statuscode: 1 })],
    });
    expect(await errorOf(response)).toMatchObject({ status: 400, code: '0x80048408' });
    expect(await read(first)).toMatchObject({ lastname: 'First' });
  });

  it.each([
    ['no targets', { Targets: [] }],
    ['another parameter', { Targets: [target(absentId)], Target: {} }],
    ['the same target twice', { Targets: [target(absentId), target(absentId)] }],
    ['a list', []],
  ])('refuses %s', async (_name, body) => {
    expect(await errorOf(await post(path, body))).toMatchObject({
      status: 400,
      code: '0x80048d19',
    });
  });
});

describe('Merge', () => {
  const merging = (target: string, subordinate: string, changes: object = {}) => ({
    Target: { '@odata.type': CONTACT, contactid: target },
    Subordinate: { '@odata.type': CONTACT, contactid: subordinate },
    PerformParentingChecks: false,
    ...changes,
  });

  it('fills what is empty in the target and deactivates the other contact', async () => {
    const target = await simulated.createContact({ lastname: 'Target', telephone1: '1' });
    const subordinate = await simulated.createContact({
      firstname: 'Moved',
      lastname: 'Subordinate',
      telephone1: '2',
      ch_consent_date: '2026-11-22T10:00:00Z',
    });
    const content = { '@odata.type': CONTACT, emailaddress1: 'set@example.com' };
    const response = await post('Merge', merging(target, subordinate, { UpdateContent: content }));
    expect(response.status).toBe(204);
    expect(await read(target)).toMatchObject({
      fullname: 'Moved Target',
      telephone1: '1',
      emailaddress1: 'set@example.com',
      ch_consent_date: '2026-11-22T10:00:00Z',
      statecode: 0,
      merged: false,
    });
    expect(await read(subordinate)).toMatchObject({
      lastname: 'Subordinate',
      statecode: 1,
      statuscode: 2,
      merged: true,
      _masterid_value: target,
    });
  });

  it('is also what a user does', async () => {
    const into = await simulated.createContact({ lastname: 'Master' });
    const id = await simulated.createContact({ firstname: 'Given', lastname: 'Other' });
    const merged = await json(await simulated.control('POST', `/contacts/${id}/merge`, { into }));
    expect(merged).toMatchObject({ contactid: into, fullname: 'Given Master' });
    expect((await simulated.control('POST', `/contacts/${id}/merge`, { into: id })).status).toBe(
      400,
    );
  });

  it.each([
    ['a contact that does not exist', merging(absentId, absentId.replace('4', '5')), 404],
    ['one without its type', merging(absentId, absentId, { Target: { contactid: absentId } }), 400],
    ['no word on parenting', merging(absentId, absentId, { PerformParentingChecks: null }), 400],
  ])('refuses %s', async (_name, body, status) => {
    expect((await errorOf(await post('Merge', body))).status).toBe(status);
  });

  it('refuses to merge a contact into itself', async () => {
    const id = await simulated.createContact({ lastname: 'Same' });
    expect((await errorOf(await post('Merge', merging(id, id)))).status).toBe(400);
  });
});

describe('Restore', () => {
  it.each([
    ['by address', (id: string) => ({ '@odata.id': `/api/data/v9.2/contacts(${id})` })],
    ['by type and key', (id: string) => ({ '@odata.type': CONTACT, contactid: id })],
  ])('brings a contact back under its id, %s', async (_name, targetOf) => {
    const id = await simulated.createContact({ lastname: 'Back' });
    await simulated.api(`contacts(${id})`, { method: 'DELETE' });
    const response = await post('Restore', { Target: targetOf(id) });
    expect(await json(response)).toMatchObject({ id });
    expect(await read(id)).toMatchObject({ lastname: 'Back' });
    expect((await errorOf(await post('Restore', { Target: targetOf(id) }))).code).toBe(
      '0x80040217',
    );
  });

  it('refuses what names no contact', async () => {
    expect((await post('Restore', { Target: {} })).status).toBe(400);
  });
});

describe('strictness', () => {
  it.each([
    ['an older OData version', { 'odata-version': '3.0' }, 400],
    ['an older highest version', { 'odata-maxversion': '3.0' }, 400],
    ['the version of Dataverse', { 'odata-version': '4.0', 'odata-maxversion': '4.0' }, 200],
    ['a newer highest version', { 'odata-maxversion': '4.01' }, 200],
  ])('takes or refuses %s', async (_name, headers, status) => {
    expect((await simulated.api('WhoAmI', { headers })).status).toBe(status);
  });

  it.each([
    ['no content type', '', 415],
    ['another charset of JSON', 'application/json; charset=utf-8', 204],
    ['a form', 'application/x-www-form-urlencoded', 415],
  ])('takes or refuses %s', async (_name, type, status) => {
    const id = await simulated.createContact({ lastname: 'Typed' });
    const response = await fetch(`${simulated.dataverse.url}/api/data/v9.2/contacts(${id})`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${simulated.token}`,
        ...(type !== '' && { 'content-type': type }),
      },
      body: Buffer.from('{}'),
    });
    expect(response.status).toBe(status);
  });

  it.each([
    ['PUT', 'contacts', 405],
    ['PATCH', 'contacts', 405],
    ['POST', `contacts(${absentId})`, 405],
    ['GET', 'Merge', 405],
    ['GET', 'contacts/Microsoft.Dynamics.CRM.UpdateMultiple', 405],
    ['POST', 'contacts/Microsoft.Dynamics.CRM.DeleteMultiple', 404],
  ])('%s %s is %i', async (method, path, status) => {
    const body = method === 'GET' ? undefined : {};
    expect((await simulated.api(path, { method, body })).status).toBe(status);
  });

  it('returns what was written if that is preferred', async () => {
    const headers = { prefer: 'return=representation' };
    const body = { lastname: 'Shown' };
    const created = await simulated.api('contacts?$select=lastname', {
      method: 'POST',
      headers,
      body,
    });
    expect(created.status).toBe(201);
    const row = await json(created);
    expect(row).toMatchObject(body);
    const id = String(row['contactid']);
    const updated = await simulated.api(`contacts(${id})`, { method: 'PATCH', headers, body });
    expect(updated.status).toBe(200);
    expect(updated.headers.get('preference-applied')).toBe('return=representation');
    expect(await json(updated)).toMatchObject({ contactid: id, ...body });
  });
});
