import { expect, test } from 'vitest';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import { CONTACT_FIELDS } from '../../../shared/dataverse/fields.ts';
import { connectionOf, scriptedFetch } from './fakes.ts';

const TYPES = { boolean: 'Boolean', 'date-and-time': 'DateTime', 'option-set': 'Picklist' };
const FIELDS = Object.values(CONTACT_FIELDS);

interface Column {
  readonly type: string;
  readonly format?: string;
}

const complete = () =>
  new Map<string, Column>(
    FIELDS.map(({ logicalName, type }) => [
      logicalName,
      { type: TYPES[type], ...(type === 'date-and-time' && { format: 'DateAndTime' }) },
    ]),
  );

const json = (body: object, status = 200) => new Response(JSON.stringify(body), { status });

/** An organisation's metadata of the contact, and what a client finds missing in it. */
function missingIn(columns: ReadonlyMap<string, Column>, options: readonly string[]) {
  const { fetch } = scriptedFetch(({ url }) => {
    if (url.includes('PicklistAttributeMetadata')) {
      if (columns.get('ch_consent_status')?.type !== 'Picklist') {
        return json({ error: { code: '0x80060888', message: '' } }, 404);
      }
      const set = options.map((label, index) => ({
        Value: index,
        Label: { UserLocalizedLabel: { Label: label }, LocalizedLabels: [] },
      }));
      return json({ LogicalName: 'ch_consent_status', OptionSet: { Options: set } });
    }
    const cast = url.includes('DateTimeAttributeMetadata');
    return json({
      value: [...columns]
        .filter(([, { type }]) => !cast || type === 'DateTime')
        .map(([name, { type, format }]) =>
          cast ? { LogicalName: name, Format: format } : { LogicalName: name, AttributeType: type },
        ),
    });
  });
  const token = { value: 'token', issuedAtMs: 0, expiresAtMs: 1 };
  return createDataverseClient({
    connection: connectionOf(),
    tokens: { get: async () => token, drop: async () => false },
    fetch,
    timeoutMs: 1_000,
    parallelRequests: 3,
  }).getMissingColumns();
}

const OPTIONS = ['Active', 'Partial', 'Expired', 'None'];

test('nothing is missing from an organisation that was set up', async () => {
  expect(await missingIn(complete(), OPTIONS)).toEqual([]);
});

test.each(FIELDS.map(({ logicalName }) => logicalName))(
  '%s is named when it is missing',
  async (name) => {
    const columns = complete();
    columns.delete(name);
    expect(await missingIn(columns, OPTIONS)).toEqual([name]);
  },
);

test('a column of another type is named with both types', async () => {
  const columns = complete().set('ch_consent_status', { type: 'String' });
  expect(await missingIn(columns, OPTIONS)).toEqual([
    'ch_consent_status: has the type String, needs Picklist',
  ]);
});

test('a column that keeps days only is not good enough', async () => {
  const columns = complete().set('ch_consent_date', { type: 'DateTime', format: 'DateOnly' });
  expect(await missingIn(columns, OPTIONS)).toEqual([
    'ch_consent_date: needs the format DateAndTime',
  ]);
});

test('options are named that are missing, or there twice', async () => {
  expect(await missingIn(complete(), ['Active', 'Active', 'Partial', 'None'])).toEqual([
    'ch_consent_status: needs exactly one option Active',
    'ch_consent_status: needs exactly one option Expired',
  ]);
});
