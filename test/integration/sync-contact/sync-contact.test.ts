import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DatabaseUnavailable } from '../../../shared/database/database.ts';
import { startSyncContact, type SyncContactFixture } from './fixture.ts';

let it: SyncContactFixture;
beforeAll(async () => {
  it = await startSyncContact();
});
afterAll(() => it?.close());
beforeEach(async () => {
  await it.dynamics.control('DELETE', '/faults');
  it.lines.length = 0;
  it.recorded.length = 0;
});

const ada = (n: number) => ({
  firstname: 'Ada',
  lastname: `Fictitious${n}`,
  emailaddress1: `ada${n}@example.test`,
  telephone1: `+1 555 010${n}`,
});
let counter = 0;
/** A contact of its own for each test, already synced. */
async function synced() {
  const values = ada((counter += 1));
  const id = await it.dynamics.createContact(values);
  const created = it.event(id, 'contact.created');
  expect(await it.sync([created])).toEqual([{ kind: 'done' }]);
  return { id, values, created };
}
const change = (id: string, values: object) =>
  it.dynamics.control('PATCH', `/contacts/${id}`, values);
const remove = (id: string) => it.dynamics.control('DELETE', `/contacts/${id}`);
const restore = (id: string) => it.dynamics.control('POST', `/contacts/${id}/restore`);
const patients = async () => (await it.sql('select count(*)::int as n from patients'))[0]?.['n'];

describe('a contact', () => {
  test('created in Dynamics becomes a patient, a row and an audit row', async () => {
    const { id, values, created } = await synced();
    expect(await it.state(id)).toMatchObject({
      deleted: false,
      linked: true,
      first_name: values.firstname,
      last_name: values.lastname,
      email: values.emailaddress1,
      phone: values.telephone1,
      dynamics_contact_id: id,
    });
    expect(await it.audit(created.eventId)).toEqual([
      {
        action: 'patient_created',
        outcome: 'applied',
        source: 'webhook',
        sealed: true,
        new_values: {
          contactId: id,
          eventId: created.eventId,
          eventType: 'contact.created',
          correlationId: created.correlationId,
          changedFields: ['firstName', 'lastName', 'email', 'phone'],
          conflicts: [],
        },
      },
    ]);
    expect(it.recorded).toContain('ContactEvents{outcome=applied}');
    expect(it.recorded.some((one) => one.startsWith('SyncLatency{direction=inbound} '))).toBe(true);
  });

  test('delivered again changes nothing and adds nothing', { tags: ['fault-1'] }, async () => {
    const { id, created } = await synced();
    const before = [await it.state(id), await patients()];
    expect(await it.sync([created, created])).toEqual([{ kind: 'done' }, { kind: 'done' }]);
    expect([await it.state(id), await patients()]).toEqual(before);
    expect(await it.audit(created.eventId)).toHaveLength(1);
  });

  test('changed in Dynamics changes the patient', async () => {
    const { id } = await synced();
    await change(id, { emailaddress1: 'new@example.test', telephone1: null });
    const updated = it.event(id);
    await it.sync([updated]);
    expect(await it.state(id)).toMatchObject({ email: 'new@example.test', phone: null });
    expect(await it.audit(updated.eventId)).toMatchObject([
      {
        action: 'patient_updated',
        outcome: 'applied',
        new_values: { changedFields: ['email', 'phone'] },
      },
    ]);
  });

  test('changed in ConsentHub is left alone and becomes due to be written', async () => {
    const { id } = await synced();
    await it.sql("update patients set phone = 'host' where dynamics_contact_id = $1", [id]);
    await change(id, { emailaddress1: 'theirs@example.test' });
    await it.sync([it.event(id)]);
    expect(await it.state(id)).toMatchObject({ email: 'theirs@example.test', phone: 'host' });
    expect(
      await it.sql(
        'select write_due_at <= now() as due from dynamics_contacts where contact_id = $1',
        [id],
      ),
    ).toEqual([{ due: true }]);
  });

  test('changed on both sides: Dynamics wins and the audit row says so', {
    tags: ['fault-34'],
  }, async () => {
    const { id } = await synced();
    await it.sql("update patients set phone = 'host' where dynamics_contact_id = $1", [id]);
    await change(id, { telephone1: 'dynamics' });
    const updated = it.event(id);
    await it.sync([updated]);
    expect(await it.state(id)).toMatchObject({ phone: 'dynamics' });
    expect(await it.audit(updated.eventId)).toMatchObject([
      { new_values: { conflicts: ['phone'] } },
    ]);
    expect(it.recorded).toContain('MergeConflicts');
  });

  test('deleted is unlinked, a late update changes nothing, restored it is linked again', {
    tags: ['fault-4', 'fault-5'],
  }, async () => {
    const { id } = await synced();
    await remove(id);
    const deletion = it.event(id, 'contact.deleted');
    await it.sync([deletion]);
    expect(await it.state(id)).toMatchObject({
      deleted: true,
      linked: false,
      dynamics_contact_id: null,
    });
    expect(await it.audit(deletion.eventId)).toMatchObject([
      { action: 'patient_unlinked', outcome: 'unlinked', sealed: true },
    ]);

    const late = it.event(id);
    const before = await it.state(id);
    await it.sync([late]);
    expect(await it.state(id)).toEqual({ ...before, revision: expect.any(Number) });
    expect(await it.audit(late.eventId)).toMatchObject([{ outcome: 'superseded' }]);

    await restore(id);
    const restored = it.event(id, 'contact.created');
    await it.sync([restored]);
    expect(await it.state(id)).toMatchObject({
      deleted: false,
      linked: true,
      dynamics_contact_id: id,
    });
    expect(await it.audit(restored.eventId)).toMatchObject([
      { action: 'patient_linked', outcome: 'restored' },
    ]);
  });

  test('that is deleted while others of the batch are not is proven by a read of its own', {
    tags: ['fault-5', 'fault-26'],
  }, async () => {
    const [one, two] = [await synced(), await synced()];
    await remove(one.id);
    await change(two.id, { firstname: 'Eve' });
    await it.dynamics.control('DELETE', '/requests');
    await it.sync([it.event(one.id, 'contact.deleted'), it.event(two.id)]);
    expect(await it.state(one.id)).toMatchObject({ deleted: true });
    expect(await it.state(two.id)).toMatchObject({ deleted: false, first_name: 'Eve' });
    const requests = (await (await it.dynamics.control('GET', '/requests')).json()) as {
      operations: object;
    };
    expect(requests.operations).toMatchObject({ ListContacts: 1, RetrieveContact: 1 });
  });

  test('deleted before its creation was seen leaves a tombstone and no patient', {
    tags: ['fault-5'],
  }, async () => {
    const id = await it.dynamics.createContact(ada(99));
    await remove(id);
    const before = await patients();
    const created = it.event(id, 'contact.created');
    await it.sync([created]);
    expect(await it.state(id)).toMatchObject({ deleted: true, linked: false });
    expect(await patients()).toBe(before);
    expect(await it.audit(created.eventId)).toMatchObject([{ outcome: 'superseded' }]);
  });

  test('with several events in a batch is applied once, with one audit row for each', {
    tags: ['fault-1'],
  }, async () => {
    const id = await it.dynamics.createContact(ada(98));
    const created = it.event(id, 'contact.created', { receivedAt: '2026-11-22T10:00:00.000Z' });
    const updated = it.event(id, 'contact.updated', { receivedAt: '2026-11-22T10:00:01.000Z' });
    const before = Number(await patients());
    await it.sync([updated, created]);
    expect(await patients()).toBe(before + 1);
    expect(await it.audit(created.eventId)).toMatchObject([{ outcome: 'superseded' }]);
    expect(await it.audit(updated.eventId)).toMatchObject([{ outcome: 'applied' }]);
  });
});

describe('a new contact and an unlinked patient', () => {
  const insert = async (n: number, values: object = {}) => {
    const patient = {
      first_name: ' ada ',
      last_name: `FICTITIOUS${n}`,
      email: `Ada${n}@example.test`,
      ...values,
    };
    const [row] = await it.sql<{ id: string }>(
      `insert into patients (organization_id, first_name, last_name, email)
       values ($1, $2, $3, $4) returning id`,
      [it.database.organizationId, patient.first_name, patient.last_name, patient.email],
    );
    return row?.id;
  };
  const patientOf = async (contactId: string) =>
    (
      await it.sql('select patient_id from dynamics_contacts where contact_id = $1', [contactId])
    )[0]?.['patient_id'];

  test('are linked when name and email are equal, trimmed and without case', async () => {
    const patientId = await insert(50);
    const id = await it.dynamics.createContact(ada(50));
    const created = it.event(id, 'contact.created');
    await it.sync([created]);
    expect(await patientOf(id)).toBe(patientId);
    expect(await it.audit(created.eventId)).toMatchObject([{ action: 'patient_linked' }]);
  });

  test.each([
    ['the first name', { first_name: 'Eve' }],
    ['the email', { email: 'other@example.test' }],
  ])('are two people when %s differs', async (what, values) => {
    const n = 51 + what.length;
    const patientId = await insert(n, values);
    const id = await it.dynamics.createContact(ada(n));
    await it.sync([it.event(id)]);
    expect(await patientOf(id)).not.toBe(patientId);
  });

  test('are not linked when two patients fit', async () => {
    const both = [await insert(70), await insert(70)];
    const id = await it.dynamics.createContact(ada(70));
    await it.sync([it.event(id)]);
    expect(both).not.toContain(await patientOf(id));
  });

  test('are not linked when two contacts fit', { tags: ['fault-32'] }, async () => {
    const patientId = await insert(71);
    const ids = [
      await it.dynamics.createContact(ada(71)),
      await it.dynamics.createContact(ada(71)),
    ];
    await it.sync(ids.map((id) => it.event(id)));
    for (const id of ids) expect(await patientOf(id)).not.toBe(patientId);
  });

  test("are linked by ConsentHub's own note of the contact", async () => {
    const id = await it.dynamics.createContact(ada(72));
    const patientId = await insert(73);
    await it.sql('update patients set dynamics_contact_id = $1 where id = $2', [id, patientId]);
    await it.sync([it.event(id)]);
    expect(await patientOf(id)).toBe(patientId);
  });

  test('are linked once when two batches meet: the other contact gets a patient of its own', {
    tags: ['fault-32', 'fault-2'],
  }, async () => {
    const patientId = await insert(74);
    const ids = [
      await it.dynamics.createContact(ada(74)),
      await it.dynamics.createContact(ada(74)),
    ];
    let released = () => {};
    const bothRead = new Promise<void>((resolve) => {
      released = resolve;
    });
    let arrived = 0;
    const store = {
      ...it.dependencies.store,
      findPatientsToLink: async (
        ...args: Parameters<typeof it.dependencies.store.findPatientsToLink>
      ) => {
        const found = await it.dependencies.store.findPatientsToLink(...args);
        arrived += 1;
        if (arrived >= 2) released();
        await bothRead;
        return found;
      },
    };
    const settled = await Promise.all(
      ids.map((id) => it.sync([it.event(id)], { overrides: { store } })),
    );
    expect(settled).toEqual([[{ kind: 'done' }], [{ kind: 'done' }]]);
    const linked = [await patientOf(ids[0] ?? ''), await patientOf(ids[1] ?? '')];
    expect(linked.filter((one) => one === patientId)).toHaveLength(1);
    expect(new Set(linked).size).toBe(2);
  });
});

describe('when something goes wrong', () => {
  test('a row that changed since it was read is left alone and read again', {
    tags: ['fault-4'],
  }, async () => {
    const { id } = await synced();
    await change(id, { firstname: 'Eve' });
    let reads = 0;
    const readContacts = async (ids: readonly string[]) => {
      const answer = await it.dependencies.readContacts(ids);
      reads += 1;
      if (reads === 1) {
        // Meanwhile the contact changes again, and somebody else applies it.
        await change(id, { firstname: 'Grace' });
        await it.sync([it.event(id)]);
      }
      return answer;
    };
    await it.sync([it.event(id)], { overrides: { readContacts } });
    expect(reads).toBe(2);
    expect(await it.state(id)).toMatchObject({ first_name: 'Grace' });
  });

  test('an older read of the same fields does not come back over a newer one', {
    tags: ['fault-4'],
  }, async () => {
    const { id, values } = await synced();
    await change(id, { firstname: 'Eve' });
    let reads = 0;
    const readContacts = async (ids: readonly string[]) => {
      const answer = await it.dependencies.readContacts(ids);
      reads += 1;
      if (reads === 1) {
        // Changed back: the same fields as the row has, at a newer version.
        await change(id, { firstname: values.firstname });
        await it.sync([it.event(id)]);
      }
      return answer;
    };
    await it.sync([it.event(id)], { overrides: { readContacts } });
    expect(await it.state(id)).toMatchObject({ first_name: values.firstname });
  });

  test("one contact's text that the database refuses is not the others' business", {
    tags: ['fault-13'],
  }, async () => {
    const good = await Promise.all([80, 81, 82].map((n) => it.dynamics.createContact(ada(n))));
    const bad = await it.dynamics.createContact({ ...ada(83), firstname: 'A\u0000da' });
    const ids = [good[0], bad, good[1], good[2]].map(String);
    expect(await it.sync(ids.map((id) => it.event(id)))).toEqual([
      { kind: 'done' },
      { kind: 'poison', reason: 'rejected_by_database' },
      { kind: 'done' },
      { kind: 'done' },
    ]);
    for (const id of good) expect(await it.state(id)).toMatchObject({ linked: true });
    expect(await it.state(bad)).toBeUndefined();
  });

  test('what cannot be understood is poison with its reason', { tags: ['fault-13'] }, async () => {
    const { id } = await synced();
    const good = it.event(id);
    expect(
      await it.sync([
        'no json',
        JSON.stringify({ ...good, version: 2 }),
        JSON.stringify({ ...good, type: 'contact.exploded' }),
        JSON.stringify({ ...good, contactId: 'Ada' }),
        JSON.stringify({ ...good, eventId: undefined }),
        JSON.stringify({ ...good, dataverseOrganizationId: good.correlationId }),
        good,
      ]),
    ).toEqual([
      { kind: 'poison', reason: 'malformed' },
      { kind: 'poison', reason: 'unknown_version' },
      { kind: 'poison', reason: 'unknown_type' },
      { kind: 'poison', reason: 'malformed' },
      { kind: 'poison', reason: 'malformed' },
      { kind: 'poison', reason: 'unknown_organization' },
      { kind: 'done' },
    ]);
  });

  test('a contact of an organisation that the connection does not lead to is poison', async () => {
    const other = '0b000000-0000-4000-8000-000000000002';
    await it.sql("insert into organizations (name, dynamics_org_id) values ('Other', $1)", [other]);
    const { id } = await synced();
    expect(
      await it.sync([it.event(id, 'contact.updated', { dataverseOrganizationId: other })]),
    ).toEqual([{ kind: 'poison', reason: 'unknown_organization' }]);
  });

  test('a contact that cannot be read is tried again soon, then handed to the clock', {
    tags: ['fault-15'],
  }, async () => {
    const { id } = await synced();
    await it.dynamics.control('PUT', '/faults', { mode: 'unavailable', paths: ['contacts('] });
    const event = it.event(id);
    expect(await it.sync([event], { receiveCount: 1 })).toEqual([
      { kind: 'retry', afterSeconds: 1, cause: 'message' },
    ]);
    expect(await it.audit(event.eventId)).toEqual([]);
    expect(await it.sync([event], { receiveCount: 3 })).toEqual([{ kind: 'done' }]);
    expect(await it.state(id)).toMatchObject({ read_due: true, linked: true });
    expect(await it.audit(event.eventId)).toMatchObject([
      { outcome: 'unreadable', new_values: { reason: 'DataverseUnavailable' } },
    ]);

    await it.dynamics.control('DELETE', '/faults');
    await it.sync([it.event(id, 'sync.requested')]);
    expect(await it.state(id)).toMatchObject({ read_due: false });
  });

  test('a contact never seen before that cannot be read is remembered', async () => {
    const id = await it.dynamics.createContact(ada(90));
    await it.dynamics.control('PUT', '/faults', { mode: 'throttled', retryAfterSeconds: 60 });
    expect(await it.sync([it.event(id)])).toEqual([{ kind: 'done' }]);
    expect(await it.state(id)).toMatchObject({ read_due: true, linked: false });
    const [due] = await it.sql(
      `select extract(epoch from read_due_at - now())::int between 50 and 60 as patient
       from dynamics_contacts where contact_id = $1`,
      [id],
    );
    expect(due).toEqual({ patient: true });
  });

  test.each(['forbidden', 'html', 'half', 'reset'])(
    '%s answers delete nobody',
    { tags: ['fault-16', 'fault-17', 'fault-26'] },
    async (mode) => {
      const [one, two] = [await synced(), await synced()];
      await it.dynamics.control('PUT', '/faults', { mode });
      await it.sync([it.event(one.id, 'contact.deleted'), it.event(two.id, 'contact.deleted')], {
        receiveCount: 3,
      });
      for (const { id } of [one, two]) {
        expect(await it.state(id)).toMatchObject({ deleted: false, linked: true, read_due: true });
      }
    },
  );

  test('while the database is away everything stays on the queue, for longer each time', {
    tags: ['fault-18'],
  }, async () => {
    const { id } = await synced();
    const store = {
      ...it.dependencies.store,
      read: async () => {
        throw new DatabaseUnavailable(undefined);
      },
    };
    for (const [receiveCount, afterSeconds] of [
      [1, 1],
      [5, 16],
      [50, 300],
    ] as const) {
      expect(await it.sync([it.event(id)], { receiveCount, overrides: { store } })).toEqual([
        { kind: 'retry', afterSeconds, cause: 'system' },
      ]);
    }
  });

  test('no log line, no audit row says anything of a person', async () => {
    const rows = await it.sql('select * from audit_logs');
    const text = JSON.stringify([it.lines, rows]);
    expect(rows.length).toBeGreaterThan(20);
    expect(text).not.toMatch(/\bAda\b|Fictitious\d|example\.test|555 010/);
  });
});
