import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, type Fixture, json, startFixture } from './dataverse-fixture.ts';

const CRM = 'Microsoft.Dynamics.CRM';
const TABLE = "EntityDefinitions(LogicalName='contact')";
const ATTRIBUTES = `${TABLE}/Attributes`;

let simulated: Fixture;

beforeEach(async () => {
  simulated = await startFixture({ optionValuePrefix: null });
});
afterEach(() => simulated.close());

const post = (to: string, body: unknown, headers: object = {}) =>
  simulated.api(to, { method: 'POST', body, headers });

/** Creates a row and returns its id, from the address of the answer. */
async function create(set: string, body: object): Promise<string> {
  const response = await post(set, body);
  expect(response.status).toBe(204);
  return /\(([^)]+)\)$/.exec(response.headers.get('odata-entityid') ?? '')?.[1] ?? '';
}

const label = (text: string) => ({
  '@odata.type': `${CRM}.Label`,
  LocalizedLabels: [{ '@odata.type': `${CRM}.LocalizedLabel`, Label: text, LanguageCode: 1033 }],
});
const yesOrNo = {
  '@odata.type': `${CRM}.BooleanAttributeMetadata`,
  SchemaName: 'ch_Marketing_Email',
  DisplayName: label('Email'),
  DefaultValue: false,
  OptionSet: {
    TrueOption: { Value: 1, Label: label('Yes') },
    FalseOption: { Value: 0, Label: label('No') },
    OptionSetType: 'Boolean',
  },
};
const choice = {
  '@odata.type': `${CRM}.PicklistAttributeMetadata`,
  SchemaName: 'ch_consent_status',
  OptionSet: { Options: [{ Label: label('Active') }, { Value: 7, Label: label('None') }] },
};

async function createSolution(): Promise<void> {
  const publisher = await create('publishers', {
    uniquename: 'consenthub',
    friendlyname: 'ConsentHub',
    customizationprefix: 'ch',
    customizationoptionvalueprefix: 72_700,
  });
  await create('solutions', {
    uniquename: 'ConsentHub',
    friendlyname: 'ConsentHub',
    version: '1.0.0.0',
    'publisherid@odata.bind': `/publishers(${publisher})`,
  });
}

const solution = { 'mscrm.solutionuniquename': 'ConsentHub' };

describe('columns', () => {
  it('are made in a solution, take values, and appear in the metadata', async () => {
    await createSolution();
    const early = await simulated.createContact({ lastname: 'Early' });
    const created = await post(ATTRIBUTES, yesOrNo, solution);
    expect(created.status).toBe(204);
    const address = created.headers.get('odata-entityid') ?? '';
    expect(address).toMatch(
      /EntityDefinitions\(LogicalName='contact'\)\/Attributes\([0-9a-f-]{36}\)$/,
    );
    const found = await fetch(address, { headers: { authorization: `Bearer ${simulated.token}` } });
    expect(await json(found)).toMatchObject({
      '@odata.type': `#${CRM}.BooleanAttributeMetadata`,
      LogicalName: 'ch_marketing_email',
      SchemaName: 'ch_Marketing_Email',
      IsCustomAttribute: true,
    });
    expect((await post(ATTRIBUTES, choice, solution)).status).toBe(204);
    const date = { '@odata.type': `${CRM}.DateTimeAttributeMetadata`, SchemaName: 'ch_last_sync' };
    expect((await post(ATTRIBUTES, date, solution)).status).toBe(204);
    expect((await post('PublishAllXml', {})).status).toBe(204);

    const options = await json<{ OptionSet: { Options: { Value: number }[] } }>(
      await simulated.api(
        `${ATTRIBUTES}(LogicalName='ch_consent_status')/${CRM}.PicklistAttributeMetadata?$expand=OptionSet`,
      ),
    );
    expect(options.OptionSet.Options.map(({ Value }) => Value)).toEqual([727000000, 7]);
    const body = {
      ch_marketing_email: true,
      ch_consent_status: 7,
      ch_last_sync: '2026-11-22T10:00:00Z',
    };
    const late = await simulated.createContact({ lastname: 'Late' });
    const select = '$select=ch_marketing_email,ch_consent_status,ch_last_sync';
    expect(await json(await simulated.api(`contacts(${late})?${select}`))).toMatchObject({
      ch_marketing_email: false,
    });
    // A row that is older than its column has nothing in it, not even the default.
    expect(await json(await simulated.api(`contacts(${early})?${select}`))).toMatchObject({
      ch_marketing_email: null,
    });
    await simulated.api(`contacts(${early})`, { method: 'PATCH', body });
    expect(await json(await simulated.api(`contacts(${early})?${select}`))).toMatchObject(body);
  });

  it('are refused twice, without a publisher, and in an unknown solution', async () => {
    expect((await errorOf(await post(ATTRIBUTES, yesOrNo))).status).toBe(400);
    await createSolution();
    expect((await post(ATTRIBUTES, yesOrNo, solution)).status).toBe(204);
    expect(await errorOf(await post(ATTRIBUTES, yesOrNo, solution))).toMatchObject({
      status: 400,
      code: '0x80047013',
    });
    const unknown = { 'mscrm.solutionuniquename': 'Nonsense' };
    expect((await errorOf(await post(ATTRIBUTES, choice, unknown))).status).toBe(404);
    expect((await errorOf(await post(ATTRIBUTES.replace('contact', 'lead'), choice))).status).toBe(
      404,
    );
  });

  it.each([
    ['no type', { ...yesOrNo, '@odata.type': undefined }],
    ['no name', { ...yesOrNo, SchemaName: undefined }],
    ['a name without a prefix', { ...yesOrNo, SchemaName: 'marketing' }],
    ['no options', { ...yesOrNo, OptionSet: {} }],
    ['an unknown type', { ...yesOrNo, '@odata.type': `${CRM}.MoneyAttributeMetadata` }],
    [
      'the same value twice',
      {
        ...choice,
        OptionSet: { Options: [7, 7].map((Value) => ({ Value, Label: label('Same') })) },
      },
    ],
  ])('are refused with %s', async (_name, body) => {
    await createSolution();
    expect((await errorOf(await post(ATTRIBUTES, body, solution))).status).toBe(400);
  });

  it('are deleted with what stands in them; those of the platform are not', async () => {
    await createSolution();
    await post(ATTRIBUTES, yesOrNo, solution);
    const id = await simulated.createContact({ ch_marketing_email: true });
    const attribute = `${ATTRIBUTES}(LogicalName='ch_marketing_email')`;
    const platform = await simulated.api(attribute.replace('ch_marketing_email', 'firstname'), {
      method: 'DELETE',
    });
    expect((await errorOf(platform)).status).toBe(400);
    expect((await simulated.api(attribute, { method: 'DELETE' })).status).toBe(204);
    expect((await simulated.api(attribute)).status).toBe(404);
    expect((await simulated.api(`contacts(${id})?$select=ch_marketing_email`)).status).toBe(400);
    await post(ATTRIBUTES, yesOrNo, solution);
    expect(await json(await simulated.api(`contacts(${id})`))).toMatchObject({
      ch_marketing_email: null,
    });
  });
});

describe('the definition of the table', () => {
  it('lists its columns, of all types or of one, with a filter', async () => {
    const names = async (to: string) =>
      (await json<{ value: { LogicalName: string }[] }>(await simulated.api(to))).value.map(
        ({ LogicalName }) => LogicalName,
      );
    expect(
      await names(`${ATTRIBUTES}?$select=LogicalName&$filter=AttributeType eq 'Owner'`),
    ).toEqual(['ownerid']);
    expect(await names(`${ATTRIBUTES}/${CRM}.BooleanAttributeMetadata`)).toEqual(['merged']);
    const expand = "Attributes($select=LogicalName;$filter=LogicalName eq 'firstname')";
    const table = await json(
      await simulated.api(`${TABLE}?$select=EntitySetName&$expand=${encodeURIComponent(expand)}`),
    );
    expect(table).toMatchObject({
      EntitySetName: 'contacts',
      Attributes: [{ LogicalName: 'firstname', '@odata.type': `#${CRM}.StringAttributeMetadata` }],
    });
    expect(Object.keys(table)).not.toContain('SchemaName');
    expect((await simulated.api(`${ATTRIBUTES}?$select=Nonsense`)).status).toBe(400);
    expect((await simulated.api(`${ATTRIBUTES}?$filter=Nonsense eq 1`)).status).toBe(400);
  });

  it('is replaced to enable change tracking, for good', async () => {
    const tracked = 'EntityDefinitions?$select=LogicalName&$filter=ChangeTrackingEnabled eq true';
    const list = async () => (await json<{ value: object[] }>(await simulated.api(tracked))).value;
    expect(await list()).toEqual([]);
    const table = await json(await simulated.api(TABLE));
    const put = (changes: object) =>
      simulated.api(TABLE, { method: 'PUT', body: { ...table, ...changes } });
    expect((await put({ MetadataId: undefined, ChangeTrackingEnabled: true })).status).toBe(400);
    expect((await put({ ChangeTrackingEnabled: true })).status).toBe(204);
    expect(await list()).toHaveLength(1);
    expect((await put({ ChangeTrackingEnabled: false })).status).toBe(400);
    const headers = { prefer: 'odata.track-changes' };
    expect((await simulated.api('contacts', { headers })).status).toBe(200);
  });

  it('is kept over a restart, with columns and registrations', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'dataverse-'));
    const options = { stateFile: path.join(directory, 'dataverse.json'), optionValuePrefix: null };
    await simulated.close();
    simulated = await startFixture(options);
    await createSolution();
    await post(ATTRIBUTES, yesOrNo, solution);
    await simulated.close();
    simulated = await startFixture(options);
    expect((await errorOf(await post(ATTRIBUTES, yesOrNo, solution))).code).toBe('0x80047013');
    await rm(directory, { recursive: true });
  });
});

describe('publishers, solutions and registrations', () => {
  it('are found by name, with what they lead to', async () => {
    await createSolution();
    const query =
      "solutions?$select=uniquename&$filter=uniquename eq 'ConsentHub'" +
      '&$expand=publisherid($select=customizationprefix,customizationoptionvalueprefix)';
    const { value } = await json<{ value: object[] }>(await simulated.api(query));
    expect(value).toMatchObject([
      {
        uniquename: 'ConsentHub',
        publisherid: { customizationprefix: 'ch', customizationoptionvalueprefix: 72_700 },
      },
    ]);
    const message =
      "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq 'UpdateMultiple' " +
      "and primaryobjecttypecode eq 'contact'";
    expect((await json<{ value: object[] }>(await simulated.api(message))).value).toHaveLength(1);
  });

  it('keep to their columns, their names and their references', async () => {
    await createSolution();
    const again = { uniquename: 'consenthub', customizationprefix: 'ch' };
    expect((await errorOf(await post('publishers', again))).status).toBe(412);
    expect((await errorOf(await post('publishers', { nonsense: 1 }))).code).toBe('0x80048d19');
    const lost = { 'publisherid@odata.bind': '/publishers(00000000-0000-4000-8000-000000000000)' };
    expect((await errorOf(await post('solutions', lost))).status).toBe(404);
    const wrong = { 'publisherid@odata.bind': '/contacts(00000000-0000-4000-8000-000000000000)' };
    expect((await errorOf(await post('solutions', wrong))).status).toBe(400);
    expect((await errorOf(await post('sdkmessages', { name: 'Own' }))).status).toBe(400);
    expect((await errorOf(await simulated.api('solutions?$expand=contactid'))).status).toBe(400);
  });

  it('are changed and undone from the outside in', async () => {
    const assembly = await create('pluginassemblies', { name: 'Signing', content: 'TVqQ' });
    const type = await create('plugintypes', {
      typename: 'Signing.Plugin',
      'pluginassemblyid@odata.bind': `/pluginassemblies(${assembly})`,
    });
    const patch = await simulated.api(`pluginassemblies(${assembly})`, {
      method: 'PATCH',
      headers: { 'if-match': '*' },
      body: { version: '1.0.0.1' },
    });
    expect(patch.status).toBe(204);
    const read = await simulated.api(`pluginassemblies(${assembly})?$select=name,version`);
    expect(await json(read)).toMatchObject({ name: 'Signing', version: '1.0.0.1' });
    const remove = (to: string) => simulated.api(to, { method: 'DELETE' });
    expect((await errorOf(await remove(`pluginassemblies(${assembly})`))).code).toBe('0x8004f01f');
    expect((await remove(`plugintypes(${type})`)).status).toBe(204);
    expect((await remove(`pluginassemblies(${assembly})`)).status).toBe(204);
    expect((await errorOf(await remove(`pluginassemblies(${assembly})`))).code).toBe('0x80040217');
  });
});
