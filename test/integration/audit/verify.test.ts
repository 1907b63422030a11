import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SealKeyMismatch } from '../../../shared/audit/seal-audit.ts';
import { MAX_UNSEALED_SECONDS } from '../../../shared/audit/verify-trail.ts';
import { startTrail } from './fixture.ts';

let it: Awaited<ReturnType<typeof startTrail>>;
let ids: readonly string[];
beforeAll(async () => {
  it = await startTrail();
});
beforeEach(async () => {
  await it.empty();
  ids = await it.add(10);
  await it.seal();
});
afterAll(() => it?.close());

const findings = async (...args: Parameters<typeof it.verify>) =>
  (await it.verify(...args)).findings;
/** The id of the nth row, from 1 on. */
const row = (n: number) => ids[n - 1];

test.each([
  ['organization_id', 'null'],
  ['patient_id', 'gen_random_uuid()'],
  ['consent_id', 'gen_random_uuid()'],
  ['user_id', 'gen_random_uuid()'],
  ['action', "'consent_revoked'"],
  ['old_values', "'null'"],
  ['new_values', `'{"n": 3.0}'`],
  ['"timestamp"', `"timestamp" + interval '1 microsecond'`],
  ['checksum', "''"],
  ['event_id', "'forged'"],
  ['source', "'operator'"],
  ['outcome', "''"],
])('a row is altered if its %s is', async (column, value) => {
  await it.forge(`update audit_logs set ${column} = ${value} where id = '${row(3)}'`);
  expect(await findings()).toEqual([{ kind: 'altered', number: 3, auditId: row(3) }]);
});

test('a row that was taken away is missing', async () => {
  await it.forge(`delete from audit_logs where id = '${row(3)}'`);
  expect(await findings()).toEqual([{ kind: 'missing', number: 3, auditId: row(3) }]);
});

test('a row that was taken away together with its seal leaves a gap', async () => {
  await it.forge(
    `delete from audit_logs where id = '${row(3)}'; delete from audit_seals where number = 3`,
  );
  expect(await findings()).toEqual([{ kind: 'seals_missing', from: 3, to: 3 }]);
});

test('a row that is given another id is missing, and inserted', async () => {
  const forged = '0d000000-0000-4000-8000-000000000001';
  await it.forge(`update audit_logs set id = '${forged}' where id = '${row(3)}'`);
  expect(await findings()).toEqual([
    { kind: 'missing', number: 3, auditId: row(3) },
    { kind: 'inserted', auditId: forged },
  ]);
});

test('a row that came past the trigger is inserted, whatever time it gives itself', async () => {
  const forged = '0d000000-0000-4000-8000-000000000001';
  await it.forge(
    `insert into audit_logs (id, action, "timestamp") values ('${forged}', 'consent_granted', '2020-01-01')`,
  );
  expect(await findings()).toEqual([{ kind: 'inserted', auditId: forged }]);
});

test('a row that came past the trigger with a made-up seal is found at the seal', async () => {
  const forged = '0d000000-0000-4000-8000-000000000001';
  await it.forge(
    `insert into audit_logs (id, action) values ('${forged}', 'consent_granted');
     insert into audit_seals (number, audit_id, row_hash, chain, sealed_at)
     select 11, '${forged}', row_hash, chain, now() from audit_seals where number = 10`,
  );
  expect(await findings()).toEqual([
    { kind: 'seal_altered', number: 11, auditId: forged },
    { kind: 'altered', number: 11, auditId: forged },
  ]);
});

test.each(['0', '-7', '-9223372036854775808', '9223372036854775807'])(
  'a row that came past the trigger with a made-up seal beside the chain is found (%s)',
  async (number) => {
    const forged = '0d000000-0000-4000-8000-000000000001';
    await it.forge(
      `insert into audit_logs (id, action) values ('${forged}', 'consent_granted');
       insert into audit_seals (number, audit_id, row_hash, chain, sealed_at)
       select ${number}, '${forged}', row_hash, chain, now() from audit_seals where number = 10`,
    );
    expect(await findings()).toEqual([
      { kind: 'seal_altered', number: Number(number), auditId: forged },
    ]);
  },
);

test('a made-up seal far from the others is found at once, and nothing is sealed after it', async () => {
  await it.forge(
    `insert into audit_seals (number, audit_id, row_hash, chain, sealed_at)
     select 10000000000, gen_random_uuid(), row_hash, chain, now() from audit_seals where number = 10`,
  );
  await it.add(1);
  await expect(it.seal()).rejects.toBeInstanceOf(SealKeyMismatch);
  expect(await findings()).toMatchObject([
    { kind: 'seals_missing', from: 11, to: 9_999_999_999 },
    { kind: 'missing', number: 10_000_000_000 },
  ]);
});

test('a seal without a time that can be read is altered', async () => {
  await it.forge("update audit_seals set sealed_at = 'infinity' where number = 8");
  expect(await findings()).toEqual([{ kind: 'seal_altered', number: 8, auditId: row(8) }]);
});

test('a row that was taken away before it was sealed is missing', async () => {
  const [unsealed] = await it.add(1);
  await it.forge(`delete from audit_logs where id = '${unsealed}'`);
  expect(await it.seal()).toBeUndefined();
  expect(await findings()).toEqual([{ kind: 'missing_unsealed', auditId: unsealed }]);
});

test('rows that wait are nothing wrong, until they wait for too long', async () => {
  await it.add(2);
  expect(await it.verify()).toMatchObject({ waiting: 2, findings: [] });
  await it.sql(`update audit_unsealed set queued_at = now() - make_interval(secs => $1)`, [
    MAX_UNSEALED_SECONDS + 60,
  ]);
  expect(await findings()).toEqual([
    { kind: 'not_sealed', waiting: 2, oldestSeconds: MAX_UNSEALED_SECONDS + 60 },
  ]);
});

test('what was cut off at the end shows against the log, also if others took its place', async () => {
  const logged = (await it.verify()).head;
  expect(await findings(logged)).toEqual([]);
  await it.forge(
    `delete from audit_logs where id in (select audit_id from audit_seals where number > 8);
     delete from audit_seals where number > 8`,
  );
  expect(await findings()).toEqual([]);
  expect(await findings(logged)).toEqual([{ kind: 'seals_missing', from: 9, to: 10 }]);
  await it.add(5);
  await it.seal();
  expect(await findings()).toEqual([]);
  expect(await findings(logged)).toEqual([{ kind: 'head_differs', number: 10 }]);
});

test('an empty trail is one', async () => {
  await it.empty();
  expect(await it.verify()).toEqual({
    seals: 0,
    waiting: 0,
    head: undefined,
    findings: [],
    more: false,
  });
});
