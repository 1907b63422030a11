import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDatabase } from '../../../shared/database/database.ts';
import { DataverseUnavailable } from '../../../shared/dataverse/errors.ts';
import {
  createVerify,
  type VerifyDependencies,
  type VerifyOptions,
} from '../../../shared/verify/verify.ts';
import { createVerifyStore } from '../../../shared/verify/verify-store.ts';
import { type ReconcileFixture, startReconcile } from '../reconcile/fixture.ts';

let it: ReconcileFixture;
let store: ReturnType<typeof createVerifyStore>;
let waits: number[];

beforeEach(async () => {
  it = await startReconcile();
  store = createVerifyStore(
    createDatabase({ url: it.database.url, endpoint: it.database.neonEndpoint }),
    { organizationId: it.database.organizationId, newId: randomUUID },
  );
  waits = [];
});
afterEach(() => it?.close());

function verify(options: VerifyOptions = {}, overrides: Partial<VerifyDependencies> = {}) {
  const { dataverse, readContacts, optionValues } = it.all;
  const wait = async (ms: number) => void waits.push(ms);
  return createVerify({
    store,
    dataverse,
    readContacts,
    optionValues,
    pageSize: 5_000,
    wait,
    ...overrides,
  })(options);
}

/** As if nothing had been done for a while. */
const rest = () =>
  it.sql(`update dynamics_contacts set updated_at = updated_at - interval '1 minute'`);

/** Contacts that are the same on both sides, by their numbers. */
async function agreeing(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    ids.push(
      await it.dynamics.createContact({
        firstname: 'Lin',
        lastname: `Fictitious ${n}`,
        emailaddress1: `lin${n}@example.test`,
      }),
    );
  }
  await it.reconcile();
  await settle();
  return ids;
}

/** Everything that is due is done, and so is what comes of it. */
async function settle(): Promise<void> {
  for (let n = 0; n < 3; n += 1) {
    await it.pass('1 minute');
    await it.sweep();
  }
  await rest();
}

async function patientOf(contactId: string): Promise<string> {
  const [row] = await it.sql<{ patient_id: string }>(
    'select patient_id from dynamics_contacts where contact_id = $1',
    [contactId],
  );
  return String(row?.patient_id);
}

/** Statements of which no trigger of ours tells anybody. */
const unheard = (statement: string) =>
  it.database.pool.query(
    `begin; set local consenthub_dynamics.own_write = 'on'; ${statement}; commit`,
  );

const rows = () =>
  it.sql<{ contact_id: string; revision: string }>(
    `select c.*, p.dynamics_contact_id from dynamics_contacts c
     left join patients p on p.id = c.patient_id order by c.contact_id`,
  );

/** Codes by contact. */
const codesOf = ({ differing }: Awaited<ReturnType<typeof verify>>) =>
  Object.fromEntries(
    differing.map(({ contactId, differences }) => [contactId, differences.map(({ code }) => code)]),
  );

/** One contact for each way in which both sides can differ, and some that agree. */
async function disagreeing() {
  const [
    restored = '',
    gone = '',
    nobodys = '',
    unlinked = '',
    changed = '',
    corrected = '',
    edited = '',
    decided = '',
    unmarked = '',
    merged = '',
    master = '',
  ] = await agreeing(14);
  const decidedPatient = await patientOf(decided);
  const unmarkedPatient = await patientOf(unmarked);
  await it.decide(unmarkedPatient, 'email', 'granted');
  await settle();

  const unknown = await it.dynamics.createContact({ firstname: 'Ada', lastname: 'Fictitious' });
  await unheard(
    `update patients set dynamics_contact_id = null where id = '${await patientOf(restored)}';
     update dynamics_contacts set deleted_at = now(), former_patient_id = patient_id, patient_id = null
     where contact_id = '${restored}'`,
  );
  await it.remove(gone);
  await unheard(`update dynamics_contacts set patient_id = null where contact_id = '${nobodys}'`);
  await unheard(
    `update patients set dynamics_contact_id = null where id = '${await patientOf(unlinked)}'`,
  );
  await it.change(changed, { firstname: 'Lina', telephone1: '+1 555 0100' });
  await unheard(
    `update patients set email = 'corrected@example.test' where id = '${await patientOf(corrected)}'`,
  );
  await it.change(edited, { ch_marketing_sms: true });
  await unheard(
    `insert into consents (organization_id, patient_id, consent_type, status, granted_at,
       dynamics_sync_status)
     values ('${it.database.organizationId}', '${decidedPatient}', 'marketing_mail', 'active', now(),
       'synced')`,
  );
  await unheard(
    `update consents set dynamics_sync_status = 'pending' where patient_id = '${unmarkedPatient}'`,
  );
  await it.dynamics.control('POST', `/contacts/${merged}/merge`, { into: master });
  await rest();
  return {
    [unknown]: ['contact-unknown'],
    [restored]: ['contact-restored'],
    [gone]: ['contact-gone'],
    [nobodys]: ['patient-missing'],
    [unlinked]: ['patient-link'],
    [changed]: ['profile'],
    [corrected]: ['profile'],
    [edited]: ['consents'],
    [decided]: ['consents'],
    [unmarked]: ['consent-unmarked'],
    [merged]: ['merged-into'],
  };
}

describe('both sides agree', () => {
  test('after an import and its writes, at first sight and without waiting', async () => {
    await agreeing(12);
    expect(await verify({}, { pageSize: 5_000 })).toEqual({
      outcome: 'finished',
      rows: { known: 12, linked: 12, deleted: 0 },
      listed: 12,
      compared: 12,
      agreed: 12,
      inProgress: 0,
      failing: [],
      unreadable: [],
      differing: [],
    });
    expect(waits).toEqual([]);
  });

  test('page by page', async () => {
    await agreeing(12);
    expect(await verify({}, { pageSize: 5 })).toMatchObject({ listed: 12, agreed: 12 });
  });

  test('deleted on both sides, erased here, merged on both sides', async () => {
    const [deleted = '', erased = '', merged = '', master = ''] = await agreeing(4);
    await it.decide(await patientOf(merged), 'email', 'revoked');
    await it.decide(await patientOf(master), 'email', 'granted');
    await it.remove(deleted);
    await it.sql('delete from patients where id = $1', [await patientOf(erased)]);
    await it.dynamics.control('POST', `/contacts/${merged}/merge`, { into: master });
    await it.reconcile();
    await settle();
    expect(await it.shown(master)).toMatchObject({ email: false });
    expect(await verify()).toMatchObject({
      rows: { known: 3, linked: 2, deleted: 1 },
      listed: 3,
      agreed: 3,
      differing: [],
      inProgress: 0,
    });
  });
});

describe('they differ', () => {
  test('every difference is named, and nothing is changed', async () => {
    const expected = await disagreeing();
    const before = await rows();
    const verified = await verify();
    expect(codesOf(verified)).toEqual(expected);
    expect(verified).toMatchObject({ agreed: 4, inProgress: 0, compared: 15 });
    expect(JSON.stringify(verified)).not.toMatch(/Lin|Fictitious|example|\+1 555/);
    expect(await rows()).toEqual(before);
    // One moment for all of them.
    expect(waits).toEqual([10_000]);
  });

  test('a repair makes exactly those due, and the clock does the rest', async () => {
    const expected = await disagreeing();
    const before = new Map((await rows()).map((row) => [row.contact_id, row]));
    const { differing } = await verify();
    const repaired = await store.repair(differing, 0);
    expect([...repaired].toSorted()).toEqual(Object.keys(expected).toSorted());
    const untouched = (await rows()).filter((row) => !repaired.has(row.contact_id));
    expect(untouched).toEqual(untouched.map((row) => before.get(row.contact_id)));
    expect(untouched).toHaveLength(4);
    const audits = await it.sql<{ id: string; source: string; outcome: string; codes: string[] }>(
      `select new_values ->> 'contactId' as id, source, outcome, new_values -> 'differences' as codes
       from audit_logs where action = 'sync_requested' and source = 'operator'`,
    );
    expect(Object.fromEntries(audits.map(({ id, codes }) => [id, codes]))).toEqual(expected);
    expect(audits.every(({ outcome }) => outcome === 'due')).toBe(true);

    await settle();
    expect(await verify()).toMatchObject({ differing: [], inProgress: 0, agreed: 14 });
    const [conflicts] = await it.sql<{ count: number }>(
      `select count(*)::int as count from patients where email = 'corrected@example.test'`,
    );
    expect(conflicts).toEqual({ count: 1 });
  });

  test('one sweep is enough where something has only to be written', async () => {
    const [edited = ''] = await agreeing(2);
    await it.change(edited, { ch_marketing_sms: true, ch_consent_status: null });
    const { differing } = await verify();
    expect(differing).toMatchObject([
      { contactId: edited, differences: [{ fields: ['marketingSms', 'consentStatus'] }] },
    ]);
    await store.repair(differing, 0);
    await it.sweep();
    expect(await verify()).toMatchObject({ differing: [], inProgress: 0, agreed: 2 });
  });

  test('a row that has changed since is left alone, and so is a contact that two patients name', async () => {
    const [moved = '', named = ''] = await agreeing(2);
    await it.change(moved, { firstname: 'Lina' });
    await unheard(
      `update patients set dynamics_contact_id = null where id = '${await patientOf(named)}';
       insert into patients (organization_id, dynamics_contact_id, last_name)
       values ('${it.database.organizationId}', '${named}', 'Other')`,
    );
    const { differing } = await verify();
    expect(differing).toHaveLength(2);
    await it.decide(await patientOf(moved), 'email', 'granted');
    const before = await rows();
    expect(await store.repair(differing, 0)).toEqual(new Set());
    expect(await rows()).toEqual(before);
    expect(await it.sql(`select 1 from audit_logs where source = 'operator'`)).toEqual([]);
  });

  test('many repairs are spread over time', async () => {
    const ids = await agreeing(12);
    for (const id of ids) await it.change(id, { firstname: 'Lina' });
    const { differing } = await verify();
    await store.repair(differing, 995);
    const [due] = await it.sql<{ first: number; last: number }>(
      `select extract(epoch from min(read_due_at) - max(updated_at))::int as first,
         extract(epoch from max(read_due_at) - max(updated_at))::int as last
       from dynamics_contacts`,
    );
    expect(due).toEqual({ first: 99, last: 100 });
  });

  test('a patient that somebody holds locked does not keep the others from being repaired', async () => {
    const [held = '', free = ''] = await agreeing(2);
    await unheard(`update patients set dynamics_contact_id = null`);
    const { differing } = await verify();
    const holder = await it.database.pool.connect();
    await holder.query('begin');
    await holder.query('select 1 from patients where id = $1 for update', [await patientOf(held)]);
    expect(await store.repair(differing, 0)).toEqual(new Set([free]));
    await holder.query('rollback');
    holder.release();
  });
});

describe('somebody is at work', () => {
  test('what is repaired by itself in a moment agrees', async () => {
    const [changed = ''] = await agreeing(2);
    await it.change(changed, { firstname: 'Lina' });
    const wait = () => it.sync([it.event(changed)]);
    expect(await verify({}, { wait })).toMatchObject({ agreed: 2, inProgress: 0, differing: [] });
  });

  test.each([
    ['due to be read', `read_due_at = now() + interval '2 hours'`],
    ['due to be written', `write_due_at = now()`],
    ['waiting for its first write', `written = null, write_due_at = now() + interval '2 hours'`],
    ['leased', `lease_until = now() + interval '1 minute', lease_token = gen_random_uuid()`],
    ['in doubt', `doubt_until = now() + interval '1 minute'`],
    ['just changed', `updated_at = now()`],
  ])('%s: in progress', async (_what, clock) => {
    const [edited = ''] = await agreeing(2);
    await it.change(edited, { ch_marketing_sms: true });
    await it.sql(`update dynamics_contacts set attempts = 7, ${clock} where contact_id = $1`, [
      edited,
    ]);
    expect(await verify()).toMatchObject({
      agreed: 1,
      inProgress: 1,
      failing: [edited],
      differing: [],
    });
  });

  test('waiting for the end of a consent is no progress', async () => {
    const [edited = ''] = await agreeing(1);
    await it.decide(await patientOf(edited), 'email', 'granted', {
      expires: new Date(Date.now() + 86_400_000).toISOString(),
    });
    await settle();
    await it.change(edited, { ch_marketing_sms: true });
    expect(codesOf(await verify())).toEqual({ [edited]: ['consents'] });
  });

  test('changed again in Dynamics meanwhile: in progress', async () => {
    const [changed = ''] = await agreeing(1);
    await it.change(changed, { firstname: 'Lina' });
    const wait = () => it.change(changed, { firstname: 'Linda' });
    expect(await verify({}, { wait })).toMatchObject({ inProgress: 1, differing: [] });
  });

  test('changed between the two reads of its row: in progress', async () => {
    const [changed = ''] = await agreeing(1);
    await it.change(changed, { firstname: 'Lina' });
    const readContacts: VerifyDependencies['readContacts'] = async (ids) => {
      const reads = await it.readContacts(ids);
      await it.sql('update dynamics_contacts set revision = revision + 1');
      return reads;
    };
    expect(await verify({}, { readContacts })).toMatchObject({ inProgress: 1, differing: [] });
  });

  test('a row that is newer than the page agrees', async () => {
    const [changed = ''] = await agreeing(1);
    const readChanges: VerifyDependencies['dataverse']['readChanges'] = async (options) => {
      const page = await it.client.readChanges(options);
      await it.change(changed, { firstname: 'Lina' });
      await it.sync([it.event(changed)]);
      return page;
    };
    expect(await verify({}, { dataverse: { readChanges } })).toMatchObject({
      agreed: 1,
      differing: [],
    });
  });

  test('a contact that the list leaves out is called gone only where that is proven', async () => {
    const [hidden = '', gone = ''] = await agreeing(3);
    const readChanges: VerifyDependencies['dataverse']['readChanges'] = async (options) => {
      const page = await it.client.readChanges(options);
      return { ...page, contacts: page.contacts.filter(({ contactId }) => contactId !== hidden) };
    };
    await it.remove(gone);
    const verified = await verify({}, { dataverse: { readChanges } });
    expect(codesOf(verified)).toEqual({ [gone]: ['contact-gone'] });
    expect(verified).toMatchObject({ listed: 1, agreed: 2 });
  });
});

describe('not everything can be compared', () => {
  test('a contact that Dynamics does not show is no difference', async () => {
    const [changed = ''] = await agreeing(2);
    await it.change(changed, { firstname: 'Lina' });
    const readContacts: VerifyDependencies['readContacts'] = async (ids) =>
      new Map(
        ids.map((id) => [
          id,
          { kind: 'unreadable', reason: 'DataverseForbidden', retryAfterSeconds: undefined },
        ]),
      );
    expect(await verify({}, { readContacts })).toMatchObject({
      unreadable: [changed],
      differing: [],
    });
  });

  test('an organisation without the columns', async () => {
    await agreeing(1);
    const readChanges: VerifyDependencies['dataverse']['readChanges'] = async (options) => {
      const page = await it.client.readChanges(options);
      return { ...page, contacts: page.contacts.map((one) => ({ ...one, consentFields: null })) };
    };
    await expect(verify({}, { dataverse: { readChanges } })).rejects.toMatchObject({
      name: 'ConsentFieldsMissing',
    });
  });

  test('a page that does not come is asked for again, and not for ever', async () => {
    await agreeing(1);
    const away = (times: number) => {
      let failures = 0;
      const readChanges: VerifyDependencies['dataverse']['readChanges'] = async (options) => {
        if ((failures += 1) > times) return it.client.readChanges(options);
        throw new DataverseUnavailable({
          reason: 'throttled',
          outcomeUnknown: false,
          retryAfterSeconds: 30,
        });
      };
      return { dataverse: { readChanges } };
    };
    expect(await verify({}, away(2))).toMatchObject({ agreed: 1 });
    expect(waits).toEqual([30_000, 30_000]);
    await expect(verify({}, away(5))).rejects.toMatchObject({ name: 'DataverseUnavailable' });
  });

  test('interrupted: what was compared is said, and what was not is not', async () => {
    await agreeing(12);
    let pages = 0;
    const verified = await verify(
      { interrupted: () => pages > 0, onProgress: () => (pages += 1) },
      { pageSize: 5 },
    );
    expect(verified).toMatchObject({
      outcome: 'interrupted',
      compared: 5,
      agreed: 5,
      differing: [],
    });
  });
});

describe('a sample', () => {
  test('is as large as asked for, and the seed picks it', async () => {
    const ids = await agreeing(12);
    for (const id of ids) await it.change(id, { firstname: 'Lina' });
    const draw = async (seed: string, size = 5) => {
      const { differing } = await verify({ sample: { size, seed } });
      return differing.map(({ contactId }) => contactId).toSorted();
    };
    expect(await draw('one')).toHaveLength(5);
    expect(await draw('one')).toEqual(await draw('one'));
    expect(await draw('one')).not.toEqual(await draw('two'));
    expect(await draw('one', 100)).toEqual(ids.toSorted());
  });

  test('finds what was deleted and what was restored', async () => {
    const [gone = '', restored = ''] = await agreeing(3);
    await it.remove(restored);
    await it.reconcile();
    await settle();
    await it.remove(gone);
    await it.restore(restored);
    const verified = await verify({ sample: { size: 100, seed: 'any' } });
    expect(codesOf(verified)).toEqual({
      [gone]: ['contact-gone'],
      [restored]: ['contact-restored'],
    });
    expect(verified).toMatchObject({ listed: null, compared: 3, agreed: 1 });
  });
});
