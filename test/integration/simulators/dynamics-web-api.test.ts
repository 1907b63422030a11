import { DynamicsWebApi } from 'dynamics-web-api';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Fixture, startFixture } from './dataverse-fixture.ts';

/**
 * A client that this project did not write, against the simulator. It takes the protocol from
 * `serverUrl`, so plain HTTP on loopback needs nothing else; but a proxy of the environment it would use
 * even there.
 */
let simulated: Fixture;
let client: DynamicsWebApi;

beforeAll(async () => {
  vi.stubEnv('http_proxy', undefined);
  simulated = await startFixture();
  client = new DynamicsWebApi({
    serverUrl: simulated.dataverse.url,
    dataApi: { version: '9.2' },
    onTokenRefresh: async () => simulated.token,
  });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await simulated.close();
});

const collection = 'contacts';

interface Contact {
  readonly contactid: string;
  readonly lastname: string;
  readonly '@odata.etag': string;
}

/** Typed as what it was given, the answer is the id of what was made. */
async function createWith(data: object): Promise<string> {
  const id: unknown = await client.create({ collection, data });
  expect(id).toEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  return String(id);
}

const create = (lastname: string) => createWith({ firstname: 'Ada', lastname });

async function retrieve(key: string): Promise<Contact> {
  return client.retrieve<Contact>({ collection, key, select: ['lastname', 'firstname'] });
}

describe('dynamics-web-api', () => {
  it('asks who it is', async () => {
    const answer = await client.callFunction<{ OrganizationId: string }>({
      functionName: 'WhoAmI',
    });
    expect(answer.OrganizationId).toBe(simulated.dataverse.organizationId);
  });

  it('creates, reads and deletes a contact', async () => {
    const key = await create('Created');
    expect(await retrieve(key)).toMatchObject({ contactid: key, lastname: 'Created' });
    await client.deleteRecord({ collection, key });
    await expect(retrieve(key)).rejects.toMatchObject({ status: 404, code: '0x80040217' });
  });

  it('returns what it created', async () => {
    const created: unknown = await client.create({
      collection,
      data: { lastname: 'Returned' },
      returnRepresentation: true,
      select: ['lastname'],
    });
    expect(created).toMatchObject({ lastname: 'Returned', contactid: expect.any(String) });
  });

  it('updates with an ETag, and once only', async () => {
    const key = await create('Before');
    const { '@odata.etag': ifmatch } = await retrieve(key);
    await client.update({ collection, key, data: { lastname: 'After' }, ifmatch });
    expect((await retrieve(key)).lastname).toBe('After');
    // The client keeps a failed precondition to itself, and says that nothing was updated.
    const again = client.update({ collection, key, data: { lastname: 'Lost' }, ifmatch });
    expect(await again).toBe(false);
    expect((await retrieve(key)).lastname).toBe('After');
  });

  it('is told what is wrong with a write', async () => {
    const wrong = client.create({ collection, data: { nickname: 'x' } });
    await expect(wrong).rejects.toMatchObject({
      status: 400,
      code: '0x80048d19',
      message: expect.stringContaining("'nickname'"),
    });
  });

  it('pages, by hand and by itself', async () => {
    const keys = await Promise.all(['P1', 'P2', 'P3', 'P4', 'P5'].map((name) => create(name)));
    const query = {
      collection,
      select: ['lastname'],
      filter: "startswith(lastname,'P')",
      orderBy: ['lastname'],
      maxPageSize: 2,
    };
    const first = await client.retrieveMultiple<Contact>(query);
    expect(first.value.map(({ lastname }) => lastname)).toEqual(['P1', 'P2']);
    const second = await client.retrieveMultiple<Contact>(query, first['@odata.nextLink']);
    expect(second.value.map(({ lastname }) => lastname)).toEqual(['P3', 'P4']);

    const all = await client.retrieveAll<Contact>(query);
    expect(all.value.map(({ contactid }) => contactid)).toEqual(keys);
    expect(await client.count({ collection, filter: "startswith(lastname,'P')" })).toBe(5);
  });

  it('tracks changes', async () => {
    const gone = await create('Gone');
    const first = await client.retrieveMultiple<Contact>({
      collection,
      select: ['lastname'],
      trackChanges: true,
    });
    const deltaLink = first['@odata.deltaLink'];
    const kept = await create('Kept');
    await client.deleteRecord({ collection, key: gone });
    const delta = await client.retrieveMultiple<Contact>({ collection }, deltaLink);
    expect(delta.value).toMatchObject([
      { contactid: kept, lastname: 'Kept' },
      { id: gone, reason: 'deleted' },
    ]);
    expect(delta['@odata.deltaLink']).not.toBe(deltaLink);
  });

  it('writes many contacts at once', async () => {
    const keys = [await create('One'), await create('Two')];
    await client.callAction({
      collection,
      actionName: 'Microsoft.Dynamics.CRM.UpdateMultiple',
      action: {
        Targets: keys.map((contactid) => ({
          '@odata.type': 'Microsoft.Dynamics.CRM.contact',
          contactid,
          lastname: 'Both',
        })),
      },
    });
    for (const key of keys) expect((await retrieve(key)).lastname).toBe('Both');
  });

  it('reads tables and columns, and adds a column', async () => {
    const table = await client.retrieveEntity({
      key: "LogicalName='contact'",
      select: ['LogicalName', 'EntitySetName', 'ChangeTrackingEnabled'],
    });
    expect(table).toMatchObject({ EntitySetName: 'contacts', ChangeTrackingEnabled: true });

    const entityKey = String(table.MetadataId);
    await client.createAttribute({
      entityKey,
      data: {
        '@odata.type': 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
        SchemaName: 'ch_Source',
        MaxLength: 20,
      },
    });
    const texts = await client.retrieveAttributes({
      entityKey,
      castType: 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
      select: ['LogicalName', 'SchemaName', 'MaxLength'],
      filter: 'IsCustomAttribute eq true',
    });
    expect(texts.value).toMatchObject([
      { LogicalName: 'ch_source', SchemaName: 'ch_Source', MaxLength: 20 },
    ]);
    const key = await createWith({ ch_source: 'import' });
    const contact = client.retrieve({ collection, key, select: ['ch_source'] });
    expect(await contact).toMatchObject({ ch_source: 'import' });

    const status = await client.retrieveAttribute({
      entityKey,
      attributeKey: "LogicalName='ch_consent_status'",
      castType: 'Microsoft.Dynamics.CRM.PicklistAttributeMetadata',
      select: ['LogicalName'],
      expand: [{ property: 'OptionSet', select: ['Options'] }],
    });
    expect(status).toMatchObject({
      LogicalName: 'ch_consent_status',
      OptionSet: {
        Options: expect.arrayContaining([expect.objectContaining({ Value: 727000000 })]),
      },
    });
  });
});
