import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTACT_FIELDS } from '../../../shared/dataverse/fields.ts';
import { errorOf, type Fixture, json, startFixture } from './dataverse-fixture.ts';

const PICKLIST = 'Microsoft.Dynamics.CRM.PicklistAttributeMetadata';
const QUERY =
  '$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)';

interface OptionSet {
  Options: { Value: number; Label: { UserLocalizedLabel: { Label: string } } }[];
}

let simulated: Fixture;
let other: Fixture;
let bare: Fixture;

beforeAll(async () => {
  simulated = await startFixture();
  other = await startFixture({ optionValuePrefix: 10_123 });
  bare = await startFixture({ optionValuePrefix: null });
});
afterAll(async () => {
  await simulated.close();
  await other.close();
  await bare.close();
});

function pathOf(column: string, table = 'contact', query = QUERY): string {
  return (
    `EntityDefinitions(LogicalName='${table}')/Attributes(LogicalName='${column}')/` +
    `${PICKLIST}?${query}`
  );
}

async function optionsOf(fixture: Fixture) {
  const { OptionSet, GlobalOptionSet, LogicalName } = await json<{
    LogicalName: string;
    OptionSet: OptionSet;
    GlobalOptionSet: OptionSet;
  }>(await fixture.api(pathOf('ch_consent_status')));
  expect(LogicalName).toBe('ch_consent_status');
  expect(GlobalOptionSet).toEqual(OptionSet);
  return Object.fromEntries(
    OptionSet.Options.map(({ Value, Label }) => [Label.UserLocalizedLabel.Label, Value]),
  );
}

describe('the options of a column', () => {
  it('begin with the prefix of the publisher', async () => {
    expect(await optionsOf(simulated)).toEqual({
      Active: 727000000,
      Partial: 727000001,
      Expired: 727000002,
      None: 727000003,
    });
    expect(await optionsOf(other)).toMatchObject({ Active: 101230000, None: 101230003 });
  });

  it('are the only values that a contact takes', async () => {
    const id = await other.createContact({ lastname: 'Tenant' });
    const patch = (value: unknown) =>
      other.api(`contacts(${id})`, { method: 'PATCH', body: { ch_consent_status: value } });
    expect(await errorOf(await patch(727000000))).toEqual({
      status: 400,
      code: '0x8004431a',
      message: expect.stringContaining('101230000,101230001,101230002,101230003'),
    });
    expect((await patch(101230001)).status).toBe(204);
    expect(await json(await other.api(`contacts(${id})`))).toMatchObject({
      ch_consent_status: 101230001,
    });
  });

  it.each([
    ['an unknown column', pathOf('ch_nonsense'), 404, '0x80040217'],
    ['a column of another type', pathOf('ch_marketing_email'), 404, '0x80040217'],
    ['a state', pathOf('statecode'), 404, '0x80040217'],
    ['another table', pathOf('ch_consent_status', 'account'), 404, '0x80040217'],
    [
      'an unknown property',
      pathOf('ch_consent_status', 'contact', '$select=Nonsense'),
      400,
      '0x80060888',
    ],
    ['a filter', pathOf('ch_consent_status', 'contact', `${QUERY}&$filter=x`), 400, '0x80060888'],
    ['an unknown table', "EntityDefinitions(LogicalName='account')", 404, '0x80040217'],
  ])('are not found under %s', async (_name, path, status, code) => {
    expect(await errorOf(await simulated.api(path))).toMatchObject({ status, code });
  });
});

describe('the custom columns', () => {
  const types = { boolean: true, 'date-and-time': '2026-11-22T10:00:00Z', 'option-set': 727000000 };

  it.each(Object.values(CONTACT_FIELDS))('$logicalName takes a $type', async (field) => {
    const id = await simulated.createContact({ lastname: 'Column' });
    const written = { [field.logicalName]: types[field.type] };
    const path = `contacts(${id})?$select=${field.logicalName}`;
    const patch = await simulated.api(`contacts(${id})`, { method: 'PATCH', body: written });
    expect(patch.status).toBe(204);
    expect(await json(await simulated.api(path))).toMatchObject(written);
  });

  it('are absent from an organisation that was not set up', async () => {
    const id = await bare.createContact({ lastname: 'Bare' });
    const contact = await json(await bare.api(`contacts(${id})`));
    expect(Object.keys(contact).filter((name) => name.startsWith('ch_'))).toEqual([]);
    const select = await bare.api(`contacts(${id})?$select=ch_marketing_email`);
    expect(await errorOf(select)).toMatchObject({ status: 400, code: '0x80060888' });
    const body = { ch_marketing_email: true };
    const patch = await bare.api(`contacts(${id})`, { method: 'PATCH', body });
    expect(await errorOf(patch)).toMatchObject({ status: 400, code: '0x80048d19' });
    expect((await bare.api(pathOf('ch_consent_status'))).status).toBe(404);
  });
});
