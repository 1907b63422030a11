import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createSealer } from '../../../shared/audit/seal.ts';
import { createAuditSealing } from '../../../shared/audit/seal-audit.ts';
import { createSealStore } from '../../../shared/audit/seal-store.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import { startSecretsManagerSimulator } from '../../simulators/secrets-manager/index.ts';
import { startOps } from './fixture.ts';

const KEY = 'a key of this test';
const PATIENT = '0b000000-0000-4000-8000-000000000001';
const MASTER = '0b000000-0000-4000-8000-000000000002';
const STRANGER = '0b000000-0000-4000-8000-000000000003';
const CONSENT = '0e000000-0000-4000-8000-000000000001';
const STAFF = '0f000000-0000-4000-8000-000000000001';

let secrets: Awaited<ReturnType<typeof startSecretsManagerSimulator>>;
let it: Awaited<ReturnType<typeof startOps>>;
let seal: () => Promise<unknown>;
const sql = async (text: string, params: unknown[] = []) =>
  (await it.database.pool.query(text, params)).rows;
const past = (text: string) =>
  sql(`begin; alter table audit_logs disable trigger user; alter table audit_seals disable trigger user; ${text};
    alter table audit_logs enable trigger user; alter table audit_seals enable trigger user; commit`);

beforeAll(async () => {
  secrets = await startSecretsManagerSimulator();
  const client = new SecretsManagerClient({
    endpoint: secrets.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await client.send(
    new CreateSecretCommand({ Name: 'consenthub-dynamics/audit-key', SecretString: KEY }),
  );
  client.destroy();
  it = await startOps(secrets.url);
  const { url, neonEndpoint: endpoint } = it.database;
  const store = createSealStore(createDatabase({ url, endpoint }));
  seal = () => createAuditSealing(store, createSealer(KEY))(1_000);
});
afterAll(async () => {
  await it?.close();
  await secrets?.close();
});

/** One person's grant and revocation, by staff and by the clock, and what Dynamics was told of them. */
beforeEach(async () => {
  await past(
    'truncate audit_logs, audit_seals, audit_unsealed; delete from consents; delete from patients',
  );
  await sql(`insert into patients (id, organization_id) select unnest($1::uuid[]), $2`, [
    [PATIENT, MASTER, STRANGER],
    it.database.organizationId,
  ]);
  await sql(
    `insert into consents (id, organization_id, patient_id, consent_type, status, granted_at)
     values ($1, $2, $3, 'marketing_email', 'active', '2026-11-22T10:00:00Z')`,
    [CONSENT, it.database.organizationId, PATIENT],
  );
  await sql(
    `insert into audit_logs (patient_id, consent_id, user_id, action, event_id, source, outcome, new_values, "timestamp")
     values
       ($1, $2, $3, 'consent_granted', null, null, null, '{"status": "active"}', '2026-11-22T10:00:00Z'),
       ($1, $2, null, 'consent_granted', 'one', 'consenthub', 'applied', '{}', '2026-11-22T10:00:01Z'),
       ($1, null, null, 'dynamics_sync', null, 'consenthub', 'applied',
         '{"fields": ["ch_marketing_email"], "eventIds": ["one"]}', '2026-11-22T10:00:02Z'),
       ($4, null, null, 'dynamics_sync', null, 'consenthub', 'applied',
         '{"fields": ["ch_marketing_email"], "eventIds": ["one", "two"]}', '2026-11-22T10:00:03Z'),
       ($4, null, null, 'dynamics_sync', null, 'consenthub', 'applied', '{"eventIds": ["three"]}', '2026-11-22T10:00:04Z'),
       ($5, null, null, 'consent_granted', 'three', 'consenthub', 'applied', '{}', '2026-11-22T10:00:05Z')`,
    [PATIENT, CONSENT, STAFF, MASTER, STRANGER],
  );
  await seal();
});

test("an export has one person's decisions, and every write to Dynamics that came of them, with proofs", async () => {
  const { status, said, complaints } = await it.run(`audit export --patient ${PATIENT} --json`);
  expect({ status, complaints }).toEqual({ status: 0, complaints: '' });
  const trail = JSON.parse(said);
  expect(trail.consents).toMatchObject([
    { id: CONSENT, type: 'marketing_email', granted_at: '2026-11-22T10:00:00.000000Z' },
  ]);
  const common = { patientId: PATIENT, proof: 'sealed' };
  expect(trail.entries).toMatchObject([
    { ...common, userId: STAFF, consentId: CONSENT, source: null, seal: { number: 1 } },
    { ...common, userId: null, eventId: 'one', source: 'consenthub', seal: { number: 2 } },
    { ...common, newValues: { fields: ['ch_marketing_email'] }, seal: { number: 3 } },
    { ...common, patientId: MASTER, newValues: { eventIds: ['one', 'two'] }, seal: { number: 4 } },
  ]);
  expect(trail.proven).toBe(true);
  const run = { command: 'audit export', operator: 'grace', patientId: PATIENT };
  const [begun, done] = await it.records();
  expect(begun).toMatchObject({ outcome: 'begun', patient_id: PATIENT, new_values: run });
  expect(done).toMatchObject({
    outcome: 'done',
    patient_id: PATIENT,
    new_values: { ...run, entries: 4 },
  });
  // Who has seen it is on record of this person as well: in the next export.
  const again = JSON.parse((await it.run(`audit export --patient ${PATIENT} --json`)).said);
  expect(again.entries.slice(4)).toMatchObject([
    { action: 'operator_command', outcome: 'begun', newValues: run },
    { action: 'operator_command', outcome: 'done', newValues: run },
  ]);
});

test('without a record nothing is exported', async () => {
  await sql('alter table audit_logs rename to elsewhere');
  try {
    const { status, said, complaints } = await it.run(`audit export --patient ${PATIENT}`);
    expect({ status, said }).toEqual({ status: 2, said: '' });
    expect(complaints).toMatch(/cannot be put on record, and was not begun\.$/);
  } finally {
    await sql('alter table elsewhere rename to audit_logs');
  }
});

test('an export for people says who, when, what, and that it is proven', async () => {
  const { said } = await it.run(`audit export --patient ${PATIENT}`);
  expect(said).toContain(`2026-11-22T10:00:00.000000Z  consent_granted    by ${STAFF}`);
  expect(said).toMatch(/seal 3: sealed$/m);
  expect(said).toMatch(/^Every sealed entry is as it was sealed\.$/m);
  expect(said).toMatch(/Whether an entry was taken away, .* only audit verify can tell\.$/);
  const nobody = await it.run('audit export --patient 0b000000-0000-4000-8000-000000000009');
  expect(nobody).toMatchObject({ status: 2, said: expect.stringContaining('On record: nothing') });
  expect(nobody.said).toMatch(/^Nobody of this id is known here/m);
});

test('an export says of each entry whether its seal proves it', async () => {
  await past(`update audit_logs set outcome = 'refused' where event_id = 'one';
    delete from audit_seals where number = 3`);
  await sql("insert into audit_logs (patient_id, action) values ($1, 'consent_revoked')", [
    PATIENT,
  ]);
  const { status, said } = await it.run(`audit export --patient ${PATIENT} --json`);
  const trail = JSON.parse(said);
  expect(status).toBe(1);
  expect(trail.proven).toBe(false);
  const proofs = trail.entries.map(({ proof }: { proof: string }) => proof);
  expect(proofs).toEqual(['sealed', 'altered', 'unsealed', 'unproven', 'waiting']);
  expect((await it.run(`audit export --patient ${PATIENT}`)).said).toContain('NOT PROVEN');
});

test('verify says what is wrong, row by row, and ends with 1; an untouched trail with 0', async () => {
  const good = await it.run('audit verify');
  expect(good).toMatchObject({ status: 0, complaints: '' });
  expect(good.said).toMatch(/The audit trail is as it was sealed\.$/);
  const head = /Newest seal: (6:[0-9a-f]{64})/.exec(good.said)?.[1];
  await past(`update audit_logs set outcome = 'refused' where event_id = 'one';
    delete from audit_logs where event_id = 'three'; delete from audit_seals where number = 6`);
  const bad = await it.run(`audit verify --head ${head}`);
  expect(bad.status).toBe(1);
  expect(bad.said).toMatch(/^altered: audit row \S+ \(seal 2\) is not what was sealed$/m);
  expect(bad.said).toMatch(/^missing: seal 6 was taken away$/m);
  expect(bad.said).toMatch(/^Found: altered 1, missing 1\.$/m);
  expect(bad.said).toMatch(/The audit trail was changed\.$/);
  expect((await it.records()).at(-1)).toMatchObject({
    new_values: { command: 'audit verify', head: 5, findings: 2 },
  });
});

test('where nothing is sealed nothing can be said, unless the log knows better', async () => {
  const head = /Newest seal: (6:[0-9a-f]{64})/.exec((await it.run('audit verify')).said)?.[1];
  await past('truncate audit_logs, audit_seals, audit_unsealed');
  const emptied = await it.run('audit verify');
  expect(emptied.status).toBe(2);
  expect(emptied.said).toMatch(/Nothing is sealed, so there is nothing to hold the rows against/);
  expect(emptied.said).not.toContain('as it was sealed.');
  const compared = await it.run(`audit verify --head ${head}`);
  expect(compared.status).toBe(1);
  expect(compared.said).toMatch(/^missing: seals 1 to 6 were taken away$/m);
});

test('without the key nothing can be said, which is another status', async () => {
  secrets.setFault('error');
  try {
    expect(await it.run('audit verify')).toMatchObject({ status: 2, said: '' });
  } finally {
    secrets.setFault('none');
  }
});
