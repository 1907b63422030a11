import { describe, expect, test } from 'vitest';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import type { ConsentStatusOptions } from '../../../shared/dataverse/consent-columns.ts';
import { createConsentStatusOptions } from '../../../shared/dataverse/consent-status-options.ts';
import { ConsentFieldsMissing, DataverseUnavailable } from '../../../shared/dataverse/errors.ts';
import {
  connectionOf,
  dataverseError,
  fakeCache,
  json,
  scriptedFetch,
  type SeenRequest,
} from './fakes.ts';

const VALUES: ConsentStatusOptions = {
  Active: 101230004,
  Partial: 101230007,
  Expired: 101230001,
  None: 101230000,
};

interface Option {
  readonly value: number;
  readonly labels: readonly string[];
  readonly userLabel?: string | null;
}

function option({ value, labels, userLabel = labels[0] ?? null }: Option) {
  return {
    Value: value,
    Color: null,
    Label: {
      LocalizedLabels: labels.map((Label, index) => ({ Label, LanguageCode: 1031 + index })),
      UserLocalizedLabel: userLabel === null ? null : { Label: userLabel, LanguageCode: 1033 },
    },
  };
}

const OPTIONS = Object.entries(VALUES).map(([label, value]) => ({ value, labels: [label] }));

function picklist(options: readonly Option[], property = 'OptionSet'): Response {
  return json(200, {
    LogicalName: 'ch_consent_status',
    OptionSet: null,
    GlobalOptionSet: null,
    [property]: { Options: options.map(option) },
  });
}

function clientWith(answer: (request: SeenRequest) => Response) {
  const { fetch, requests } = scriptedFetch(answer);
  const client = createDataverseClient({
    connection: connectionOf(),
    tokens: {
      get: async () => ({ value: 'token', issuedAtMs: 0, expiresAtMs: 1 }),
      drop: async () => false,
    },
    fetch,
    timeoutMs: 1000,
    parallelRequests: 4,
  });
  return { client, requests };
}

describe('the options of the consent status', () => {
  test('are asked for as documented', async () => {
    const { client, requests } = clientWith(() => picklist(OPTIONS));
    await expect(client.getConsentStatusOptions()).resolves.toEqual(VALUES);
    expect(requests.map(({ url }) => decodeURIComponent(url))).toEqual([
      'https://contoso.crm4.dynamics.com/api/data/v9.2/' +
        "EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='ch_consent_status')/" +
        'Microsoft.Dynamics.CRM.PicklistAttributeMetadata' +
        '?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)',
    ]);
  });

  test.each<[string, () => Response]>([
    ['of a global choice', () => picklist(OPTIONS, 'GlobalOptionSet')],
    [
      'in another case',
      () =>
        picklist(
          OPTIONS.map(({ value, labels }) => ({ value, labels: [` ${labels[0]?.toUpperCase()}`] })),
        ),
    ],
    [
      'whose user speaks another language',
      () =>
        picklist(
          OPTIONS.map(({ value, labels }) => ({
            value,
            labels: ['Übersetzt', ...labels],
            userLabel: 'Übersetzt',
          })),
        ),
    ],
    [
      'without a label for the user',
      () => picklist(OPTIONS.map((entry) => ({ ...entry, userLabel: null }))),
    ],
    ['among others', () => picklist([...OPTIONS, { value: 101230009, labels: ['Unclear'] }])],
  ])('%s are found', async (_case, answer) => {
    await expect(clientWith(answer).client.getConsentStatusOptions()).resolves.toEqual(VALUES);
  });

  test.each<[string, () => Response, string]>([
    ['the column', () => dataverseError(404, '0x80040217'), 'the column ch_consent_status'],
    [
      'a column of that type',
      () => dataverseError(404, '0x80060888'),
      'the column ch_consent_status',
    ],
    [
      'two options',
      () => picklist(OPTIONS.filter(({ value }) => value > 101230003)),
      'one option each for Expired, None in the column ch_consent_status',
    ],
    [
      'the only one of a label',
      () => picklist([...OPTIONS, { value: 5, labels: ['active'] }]),
      'one option each for Active in the column ch_consent_status',
    ],
    [
      'any options',
      () => json(200, { LogicalName: 'ch_consent_status', OptionSet: null, GlobalOptionSet: null }),
      'one option each for Active, Partial, Expired, None in the column ch_consent_status',
    ],
  ])('are an error that names %s if it is missing', async (_case, answer, missing) => {
    const asked = clientWith(answer).client.getConsentStatusOptions();
    await expect(asked).rejects.toBeInstanceOf(ConsentFieldsMissing);
    await expect(asked).rejects.toThrow(
      `Dataverse's contact lacks ${missing}: run the set-up of the contact fields`,
    );
  });

  test.each<[string, () => Response, string]>([
    ['a bare 404', () => new Response('<html></html>', { status: 404 }), 'DataverseUnreadable'],
    ['half a body', () => new Response('{"LogicalName":"ch_'), 'DataverseUnavailable'],
    ['another column', () => json(200, { LogicalName: 'statecode' }), 'DataverseUnavailable'],
    ['a lost privilege', () => dataverseError(403, '0x80040220'), 'DataverseForbidden'],
  ])('are not known to be missing after %s', async (_case, answer, name) => {
    await expect(clientWith(answer).client.getConsentStatusOptions()).rejects.toMatchObject({
      name,
      outcomeUnknown: false,
    });
  });
});

describe('remembered options', () => {
  const KEY = 'dataverse:consent-status-options:https://contoso.crm4.dynamics.com';

  function remembering() {
    const cache = fakeCache();
    let asked = 0;
    let failing = false;
    const client = {
      async getConsentStatusOptions() {
        asked += 1;
        if (failing) throw new DataverseUnavailable({ reason: 'timeout', outcomeUnknown: false });
        return VALUES;
      },
    };
    return {
      cache,
      container: () => createConsentStatusOptions({ client, cache, orgUrl: connectionOf().orgUrl }),
      asked: () => asked,
      fail: (fails: boolean) => {
        failing = fails;
      },
    };
  }

  test('are asked for once by a fleet, for a day', async () => {
    const { cache, container, asked } = remembering();
    const first = container();
    expect(await Promise.all([first(), first()])).toEqual([VALUES, VALUES]);
    expect(await container()()).toEqual(VALUES);
    expect(asked()).toBe(1);
    expect(cache.entries.get(KEY)?.ttlSeconds).toBe(86_400);
  });

  test('belong to one organisation', async () => {
    const { cache, container, asked } = remembering();
    await container()();
    const elsewhere = createConsentStatusOptions({
      client: { getConsentStatusOptions: async () => ({ ...VALUES, None: 1 }) },
      cache,
      orgUrl: 'https://fabrikam.crm4.dynamics.com',
    });
    expect(await elsewhere()).toEqual({ ...VALUES, None: 1 });
    expect(asked()).toBe(1);
  });

  test('are asked for again after a failure', async () => {
    const { container, asked, fail } = remembering();
    const options = container();
    fail(true);
    await expect(options()).rejects.toBeInstanceOf(DataverseUnavailable);
    fail(false);
    expect(await options()).toEqual(VALUES);
    expect(await options()).toEqual(VALUES);
    expect(asked()).toBe(2);
  });

  test('need no cache', async () => {
    const { cache, container, asked } = remembering();
    cache.down = true;
    const options = container();
    expect(await options()).toEqual(VALUES);
    expect(await options()).toEqual(VALUES);
    expect(asked()).toBe(1);
  });

  test.each([
    '',
    'nonsense',
    'null',
    '{}',
    JSON.stringify({ ...VALUES, None: '4' }),
    JSON.stringify({ ...VALUES, None: VALUES.Active }),
    JSON.stringify({ ...VALUES, Other: 1 }),
  ])('are not taken from a cache that holds %j', async (value) => {
    const { cache, container, asked } = remembering();
    await cache.set(KEY, value, 60);
    expect(await container()()).toEqual(VALUES);
    expect(asked()).toBe(1);
    expect(cache.entries.get(KEY)?.value).toBe(JSON.stringify(VALUES));
  });
});
