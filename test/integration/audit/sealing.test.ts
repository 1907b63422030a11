import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SealKeyMismatch } from '../../../shared/audit/seal-audit.ts';
import { startTrail } from './fixture.ts';

let it: Awaited<ReturnType<typeof startTrail>>;
beforeAll(async () => {
  it = await startTrail();
});
beforeEach(async () => {
  await it.empty();
});
afterAll(() => it?.close());

const sealedIds = async () =>
  (await it.sql('select audit_id from audit_seals order by number')).map(
    ({ audit_id }) => audit_id,
  );

test('rows are sealed in the order in which they came, in pieces, each once', async () => {
  const ids = await it.add(5);
  expect(await it.seal(3)).toMatchObject({ count: 3, head: { number: 3 } });
  expect(await it.seal(3)).toMatchObject({ count: 2, head: { number: 5 } });
  expect(await it.seal(3)).toBeUndefined();
  expect(await sealedIds()).toEqual(ids);
  expect(await it.verify()).toMatchObject({ seals: 5, waiting: 0, findings: [], more: false });
});

test('a row that is committed late is sealed although its time is older', async () => {
  const late = await it.database.pool.connect();
  await late.query('begin');
  const { rows } = await late.query<{ id: string }>(
    "insert into audit_logs (action) values ('consent_granted') returning id",
  );
  const [early] = await it.add(1);
  await it.seal();
  await late.query('commit');
  late.release();
  await it.seal();
  expect(await sealedIds()).toEqual([early, rows[0]?.id]);
  expect(await it.verify()).toMatchObject({ seals: 2, findings: [] });
});

test('several sealers and writers at a time make one chain', async () => {
  const sealing = async () => {
    let sealed = 0;
    for (let n = 0; n < 10; n += 1) sealed += (await it.seal(7))?.count ?? 0;
    return sealed;
  };
  const adding = async () => {
    for (let n = 0; n < 10; n += 1) await it.add(3);
  };
  const [one, two] = await Promise.all([sealing(), sealing(), adding(), adding()]);
  const rest = (await it.seal())?.count ?? 0;
  expect(one + two + rest).toBe(60);
  expect(await it.verify()).toMatchObject({ seals: 60, waiting: 0, findings: [] });
});

test('of two that read the same rows one seals them, and the other nothing', async () => {
  await it.add(4);
  const both = await Promise.all([it.seal(), it.seal()]);
  const counts = both.map((sealed) => sealed?.count ?? 0).toSorted((a, b) => a - b);
  expect(counts.at(-1)).toBe(4);
  expect(counts[0]).toBe(0);
  expect(await it.verify()).toMatchObject({ seals: 4, findings: [] });
});

test('values are sealed as they are stored, also those that JavaScript would round or refuse', async () => {
  await it.sql(
    `insert into audit_logs (action, old_values, new_values, "timestamp") values
       ('consent_granted', '{"n": 1.00000000000000000001, "m": 1e400}', '["\\ud83d\\ude00", null]', '2026-01-01 10:00:00.123456+02'),
       ('consent_granted', null, 'null', 'infinity')`,
  );
  expect(await it.seal()).toMatchObject({ count: 2 });
  expect(await it.verify()).toMatchObject({ findings: [] });
  await it.forge(`update audit_logs set old_values = '{"n": 1.00000000000000000002, "m": 1e400}'
    where old_values is not null`);
  expect((await it.verify()).findings).toMatchObject([{ kind: 'altered', number: 1 }]);
});

test('a row that is queued again is not sealed again, and keeps nobody waiting', async () => {
  const [first] = await it.add(1);
  await it.seal();
  await it.sql('insert into audit_unsealed (audit_id) values ($1)', [first]);
  const [second] = await it.add(1);
  expect(await it.seal(1)).toBeUndefined();
  expect(await it.seal(1)).toMatchObject({ count: 1, head: { number: 2 } });
  expect(await sealedIds()).toEqual([first, second]);
  expect(await it.sql('select from audit_unsealed')).toEqual([]);
});

test('with another key nothing is sealed', async () => {
  await it.add(1);
  await it.seal();
  await it.add(1);
  await expect(it.seal(10, 'another key')).rejects.toBeInstanceOf(SealKeyMismatch);
  expect(await it.seal()).toMatchObject({ count: 1, head: { number: 2 } });
});

test.each(['update audit_seals set number = 2', 'delete from audit_seals', 'truncate audit_seals'])(
  'seals refuse %j',
  async (statement) => {
    await it.add(1);
    await it.seal();
    await expect(it.sql(statement)).rejects.toMatchObject({ code: '42501' });
  },
);
