import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, type Fixture, json, startFixture } from './dataverse-fixture.ts';

const absentId = '00000000-0000-4000-8000-000000000000';
let simulated: Fixture;

beforeAll(async () => {
  simulated = await startFixture();
});
afterAll(() => simulated.close());

async function list(query: Record<string, string>, headers: object = {}) {
  const response = await simulated.api(`contacts?${encode(query)}`, { headers });
  expect(response.status).toBe(200);
  const body = await json<{ value: Record<string, unknown>[]; '@odata.nextLink'?: string }>(
    response,
  );
  return { ...body, applied: response.headers.get('preference-applied') };
}

function encode(query: Record<string, string>): string {
  return new URLSearchParams(query).toString();
}

/** A query for as many ids. */
function queryForIds(count: number): string {
  const ids = Array.from({ length: count }, () => `'${absentId}'`).join(',');
  return `contacts?$filter=Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=[${ids}])`;
}

describe('listing contacts', () => {
  const ids: string[] = [];
  beforeAll(async () => {
    for (const firstname of ['Ann', 'Ben', 'cleo', 'Dee', "O'Hara"]) {
      ids.push(await simulated.createContact({ firstname, lastname: 'Listed', statecode: 0 }));
    }
  });

  it('finds by In, leaving out what does not exist', async () => {
    const values = [ids[0], ids[2]?.toUpperCase(), absentId].map((id) => `'${id}'`).join(',');
    const { value } = await list({
      $select: 'firstname',
      $filter: `Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=[${values}])`,
    });
    expect(new Set(value.map((row) => row['contactid']))).toEqual(new Set([ids[0], ids[2]]));
    expect(Object.keys(value[0] ?? {})).toEqual(['@odata.etag', 'firstname', 'contactid']);
  });

  it.each([
    ["lastname eq 'listed' and firstname eq 'O''Hara'", 1],
    ["lastname eq 'Listed' and statecode eq 0 and merged eq false", 5],
    ["lastname eq 'Listed' and emailaddress1 eq null", 5],
    ["Microsoft.Dynamics.CRM.In(PropertyName='firstname',PropertyValues=['O''Hara','ben'])", 2],
    ["lastname eq 'Listed' and (firstname eq 'ann' or firstname eq 'ben')", 2],
    ["lastname eq 'Listed' and not (firstname eq 'ann' or firstname eq 'ben')", 3],
    ["lastname eq 'Listed' and firstname ne 'Ann'", 4],
    ["lastname eq 'Listed' and firstname gt 'Ben' and firstname le 'dee'", 2],
    ["contains(lastname,'iste') and startswith(firstname,'o''')", 1],
    ["endswith(lastname,'TED') and versionnumber gt 9007199254740992", 5],
    ["lastname eq 'Listed' and createdon ge 2020-01-01T00:00:00Z", 5],
    ["lastname eq 'Listed' and emailaddress1 lt 'z'", 0],
  ])('filters by %s', async ($filter, count) => {
    expect((await list({ $filter })).value).toHaveLength(count);
  });

  it('pages with a preferred size, in order', async () => {
    const prefer = { prefer: 'odata.maxpagesize=2' };
    const first = await list(
      { $select: 'firstname', $filter: "lastname eq 'Listed'", $orderby: 'firstname desc' },
      prefer,
    );
    expect(first.applied).toBe('odata.maxpagesize=2');
    const names: unknown[] = [];
    for (let page = first; ; ) {
      names.push(...page.value.map((row) => row['firstname']));
      const next = page['@odata.nextLink'];
      if (next === undefined) break;
      expect(next.startsWith(`${simulated.dataverse.url}/api/data/v9.2/contacts?$select=`)).toBe(
        true,
      );
      page = await list(Object.fromEntries(new URL(next).searchParams), prefer);
    }
    expect(names).toEqual(["O'Hara", 'Dee', 'cleo', 'Ben', 'Ann']);

    const top = await list({ $filter: "lastname eq 'Listed'", $top: '3' }, prefer);
    expect(top.value).toHaveLength(3);
    expect(top['@odata.nextLink']).toBeUndefined();
  });

  it.each([
    { $skip: '5' },
    { $top: '0' },
    { $expand: 'owner' },
    { $select: 'nickname' },
    { $orderby: 'firstname sideways' },
    { $skiptoken: 'nonsense' },
    { $filter: "nickname eq 'x'" },
    { $filter: 'firstname eq 5' },
    { $filter: "statecode eq 'x'" },
    { $filter: "firstname eq 'x' or" },
    { $filter: "(firstname eq 'x'" },
    { $filter: "startswith(statecode,'x')" },
    { $filter: "ends(firstname,'x')" },
    { $filter: "firstname like 'x'" },
    { $filter: "firstname eq 'x' firstname eq 'y'" },
    { $filter: `${'('.repeat(50)}firstname eq 'x'${')'.repeat(50)}` },
    { $filter: "account/name eq 'x'" },
    { nonsense: 'x' },
    { $filter: "firstname eq 'O'Hara'" },
    { $filter: "Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=[])" },
    { $filter: "Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=['x'])" },
    { $filter: '' },
  ] as Record<string, string>[])('refuses %j', async (query) => {
    const response = await simulated.api(`contacts?${encode(query)}`);
    expect((await errorOf(response)).status).toBe(400);
  });

  it('takes long queries and refuses longer ones', async () => {
    expect((await simulated.api(queryForIds(700))).status).toBe(200);
    expect((await simulated.api(queryForIds(1000))).status).toBe(414);
  });
});
