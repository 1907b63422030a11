import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, type Fixture, json, startFixture } from './dataverse-fixture.ts';

const DAY_MS = 86_400_000;
const TRACK = { prefer: 'odata.track-changes' };

interface Page {
  readonly '@odata.context': string;
  readonly '@odata.nextLink'?: string;
  readonly '@odata.deltaLink'?: string;
  readonly value: Record<string, unknown>[];
}

let nowMs: number;
let simulated: Fixture;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 22, 10);
  simulated = await startFixture({ now: () => nowMs });
});
afterEach(() => simulated.close());

/** The path of a link, relative to the Web API. */
function pathOf(link: string | undefined): string {
  return String(link).replace(`${simulated.dataverse.url}/api/data/v9.2/`, '');
}

/** Reads to the last page. */
async function readAll(path: string, headers: object = TRACK) {
  const rows: Record<string, unknown>[] = [];
  for (let next = path; ; ) {
    const response = await simulated.api(next, { headers });
    expect(response.status).toBe(200);
    const page = await json<Page>(response);
    rows.push(...page.value);
    if (page['@odata.nextLink'] === undefined) {
      return { rows, deltaPath: pathOf(page['@odata.deltaLink']), context: page['@odata.context'] };
    }
    expect(page['@odata.deltaLink']).toBeUndefined();
    next = pathOf(page['@odata.nextLink']);
  }
}

const select = 'contacts?$select=lastname';
const create = (lastname: string) => simulated.createContact({ lastname });
const change = (id: string, lastname: string) =>
  simulated.control('PATCH', `/contacts/${id}`, { lastname });
const remove = (id: string) => simulated.control('DELETE', `/contacts/${id}`);

describe('change tracking', () => {
  it('gives all rows, then what changed and what was deleted, the deleted ones last', async () => {
    const [kept, changed, deleted] = [await create('Kept'), await create('Old'), await create('X')];
    const first = await simulated.api(select, { headers: TRACK });
    expect(first.headers.get('preference-applied')).toBe('odata.track-changes');
    const { rows, deltaPath } = await readAll(select);
    expect(rows.map((row) => row['contactid']).toSorted()).toEqual(
      [kept, changed, deleted].toSorted(),
    );

    await remove(deleted);
    await change(changed, 'New');
    const created = await create('Created');
    const delta = await readAll(deltaPath, {});
    expect(delta.context).toMatch(/\$metadata#contacts\(lastname\)\/\$delta$/);
    expect(delta.rows).toEqual([
      { '@odata.etag': expect.any(String), lastname: 'New', contactid: changed },
      { '@odata.etag': expect.any(String), lastname: 'Created', contactid: created },
      {
        '@odata.context': expect.stringMatching(/\$metadata#contacts\/\$deletedEntity$/),
        id: deleted,
        reason: 'deleted',
      },
    ]);
    const count = await simulated.api(
      deltaPath.replace('contacts?', 'contacts/$count?').replace('$select=lastname&', ''),
    );
    expect(await count.text()).toBe('3');
    expect((await readAll(delta.deltaPath, {})).rows).toEqual([]);
  });

  it('pages, and loses nothing that changes while the pages are read', async () => {
    const ids = [await create('A'), await create('B'), await create('C')].toSorted();
    const headers = { prefer: 'odata.track-changes,odata.maxpagesize=2' };
    const page = await json<Page>(await simulated.api(select, { headers }));
    expect(page.value).toHaveLength(2);
    await change(String(page.value[0]?.['contactid']), 'Meanwhile');
    const rest = await readAll(pathOf(page['@odata.nextLink']), headers);
    expect(rest.rows.map((row) => row['contactid'])).toEqual([ids[2]]);
    const delta = await readAll(rest.deltaPath, {});
    expect(delta.rows.map((row) => row['lastname'])).toEqual(['Meanwhile']);

    for (const id of ids) await change(id, 'Again');
    const second = await json<Page>(
      await simulated.api(delta.deltaPath, { headers: { prefer: 'odata.maxpagesize=2' } }),
    );
    expect(second.value).toHaveLength(2);
    await remove(ids[2] ?? '');
    const third = await readAll(pathOf(second['@odata.nextLink']), {
      prefer: 'odata.maxpagesize=2',
    });
    expect(third.rows).toEqual([]);
    expect((await readAll(third.deltaPath, {})).rows).toMatchObject([
      { id: ids[2], reason: 'deleted' },
    ]);
  });

  it('shows a contact that came and went, and one that was restored', async () => {
    const { deltaPath } = await readAll(select);
    const gone = await create('Gone');
    await remove(gone);
    const back = await create('Back');
    await remove(back);
    await simulated.control('POST', `/contacts/${back}/restore`);
    expect((await readAll(deltaPath, {})).rows).toMatchObject([
      { contactid: back, lastname: 'Back' },
      { id: gone, reason: 'deleted' },
      { id: back, reason: 'deleted' },
    ]);
  });

  it.each(['$filter=statecode eq 0', '$orderby=lastname', '$expand=ownerid', '$top=5'])(
    'refuses %s',
    async (option) => {
      const response = await simulated.api(`contacts?${option}`, { headers: TRACK });
      expect(await errorOf(response)).toMatchObject({
        status: 400,
        message: expect.stringContaining("isn't supported when Change Tracking is enabled"),
      });
    },
  );

  it('refuses a token after seven days, on request, and one that it did not give', async () => {
    const { deltaPath } = await readAll(select);
    nowMs += 7 * DAY_MS;
    // A token outlives the access token by far.
    simulated.renewToken(await simulated.requestToken());
    expect((await simulated.api(deltaPath)).status).toBe(200);
    nowMs += 1000;
    expect(await errorOf(await simulated.api(deltaPath))).toEqual({
      status: 400,
      code: '0x80044352',
      message: 'Version stamp associated with the client has expired. Please perform a full sync.',
    });

    const young = await readAll(select);
    await simulated.control('POST', '/change-tracking/expire');
    expect((await errorOf(await simulated.api(young.deltaPath))).code).toBe('0x80044352');
    expect((await simulated.api((await readAll(select)).deltaPath)).status).toBe(200);
    expect((await simulated.api(`${select}&$deltatoken=nonsense`)).status).toBe(400);
  });

  it('refuses a token from before a change of the table', async () => {
    const { deltaPath } = await readAll(select);
    const deletion = await simulated.api(
      "EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='ch_last_sync')",
      { method: 'DELETE' },
    );
    expect(deletion.status).toBe(204);
    expect((await errorOf(await simulated.api(deltaPath))).code).toBe('0x80044352');
  });

  it('finds nothing with a token from before a backup was restored', async () => {
    const id = await create('Before');
    const { id: backup } = await json<{ id: string }>(await simulated.control('POST', '/backups'));
    const before = await json(await simulated.control('GET', `/contacts/${id}`));
    await change(id, 'After');
    const { deltaPath } = await readAll(select);
    expect((await simulated.control('POST', `/backups/${backup}/restore`)).status).toBe(204);
    expect(await json(await simulated.control('GET', `/contacts/${id}`))).toEqual(before);
    expect((await readAll(deltaPath, {})).rows).toEqual([]);
    expect((await simulated.control('POST', '/backups/nonsense/restore')).status).toBe(404);
  });

  it('has to be enabled on the table, and needs to read the whole organisation', async () => {
    const bare = await startFixture({ optionValuePrefix: null });
    expect((await bare.api(select, { headers: TRACK })).status).toBe(400);
    await bare.close();

    await simulated.control('PUT', '/privileges', { read: 'user' });
    expect((await simulated.api(select)).status).toBe(200);
    expect(await errorOf(await simulated.api(select, { headers: TRACK }))).toMatchObject({
      status: 403,
      code: '0x80040220',
    });
  });
});
