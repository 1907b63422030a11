import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, json, startFixture } from './dataverse-fixture.ts';

let directory: string;
let stateFile: string;
let fixture: Fixture;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'dataverse-'));
  stateFile = path.join(directory, 'state', 'dataverse.json');
  fixture = await startFixture({ stateFile });
});
afterEach(async () => {
  await fixture.close();
  await rm(directory, { recursive: true });
});

async function get(route: string): Promise<Record<string, unknown>> {
  return json(await fixture.control('GET', route));
}

describe('a user of Dynamics', () => {
  it('creates, changes, deletes and restores a contact under the same id', async () => {
    const id = await fixture.createContact({ firstname: 'Ada', lastname: 'Sample' });
    const created = await get(`/contacts/${id}`);
    expect(created).toMatchObject({ contactid: id, fullname: 'Ada Sample' });

    const changed = await fixture.control('PATCH', `/contacts/${id}`, { lastname: 'Changed' });
    expect(await changed.json()).toMatchObject({ fullname: 'Ada Changed' });

    expect((await fixture.control('DELETE', `/contacts/${id}`)).status).toBe(204);
    expect((await fixture.control('GET', `/contacts/${id}`)).status).toBe(404);
    expect(await get('/contacts')).toMatchObject({ contacts: [], recycleBin: [{ contactid: id }] });

    const restored = await json<Record<string, string>>(
      await fixture.control('POST', `/contacts/${id}/restore`),
    );
    expect(restored).toMatchObject({ contactid: id, fullname: 'Ada Changed' });
    expect(BigInt(restored['versionnumber'] ?? 0)).toBeGreaterThan(
      BigInt(String(created['versionnumber'])),
    );
    expect((await fixture.control('POST', `/contacts/${id}/restore`)).status).toBe(404);
  });

  it('cannot restore a contact whose id was used again', async () => {
    const id = await fixture.createContact({ lastname: 'Twice' });
    await fixture.control('DELETE', `/contacts/${id}`);
    await fixture.createContact({ contactid: id, lastname: 'Twice' });
    expect((await fixture.control('POST', `/contacts/${id}/restore`)).status).toBe(412);
  });

  it('can enter texts that the Web API would refuse', async () => {
    const lastname = `${'x'.repeat(500)}\u0000\ud800`;
    const id = await fixture.createContact({ lastname });
    const contact = await (await fixture.api(`contacts(${id})?$select=lastname`)).json();
    expect(contact).toMatchObject({ lastname });
  });

  it.each([
    ['GET', '/nonsense', undefined, 404],
    ['POST', '/contacts', { nickname: 'x' }, 400],
    ['POST', '/contacts', { firstname: 5 }, 400],
    ['POST', '/contacts', [], 400],
    ['GET', '/contacts/nonsense', undefined, 400],
    ['PATCH', '/contacts/00000000-0000-4000-8000-000000000000', { lastname: 'x' }, 404],
    ['PUT', '/faults', { mode: 'sunshine' }, 400],
    ['PUT', '/faults', { latency: 5 }, 400],
    ['PUT', '/webhook', { url: 'ftp://127.0.0.1/', secret: 's' }, 400],
    ['PUT', '/webhook', { url: 'http://127.0.0.1/' }, 400],
    ['PUT', '/delivery', { duplicate: 2 }, 400],
    ['POST', '/deliveries/redeliver', {}, 404],
    ['GET', '/deliveries/nonsense/body', undefined, 404],
  ])('%s %s with %j is refused', async (method, route, body, status) => {
    const response = await fixture.control(method, route, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: { message: expect.any(String) } });
  });
});

describe('state file', () => {
  it('keeps the organisation over a restart, and never gives a version out again', async () => {
    const kept = await fixture.createContact({ lastname: 'Kept' });
    const deleted = await fixture.createContact({ lastname: 'Deleted' });
    await fixture.control('DELETE', `/contacts/${deleted}`);
    const before = await get(`/contacts/${kept}`);
    const { organizationId } = fixture.dataverse;
    await fixture.close();

    fixture = await startFixture({ stateFile });
    expect(fixture.dataverse.organizationId).toBe(organizationId);
    expect(await get(`/contacts/${kept}`)).toEqual(before);
    const restored = await fixture.control('POST', `/contacts/${deleted}/restore`);
    const { versionnumber } = await json<{ versionnumber: string }>(restored);
    expect(BigInt(versionnumber)).toBeGreaterThan(BigInt(String(before['versionnumber'])) + 3n);
  });

  it('is written soon after a change', async () => {
    const id = await fixture.createContact({ lastname: 'Soon' });
    await expect.poll(() => readFile(stateFile, 'utf8').catch(() => '')).toContain(id);
  });

  it('refuses a file that it did not write', async () => {
    const foreign = path.join(directory, 'foreign.json');
    await writeFile(foreign, '{"contacts":');
    await expect(startFixture({ stateFile: foreign })).rejects.toThrow(
      'foreign.json is not a state',
    );
  });
});
