import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ReconcileFixture, startReconcile } from './fixture.ts';

let fixture: ReconcileFixture;

beforeEach(async () => {
  fixture = await startReconcile();
});
afterEach(() => fixture.close());

const person = (n: number) => ({
  firstname: 'Lin',
  lastname: `Fictitious ${n}`,
  emailaddress1: `lin${n}@example.test`,
});

async function createContacts(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push(await fixture.dynamics.createContact(person(n)));
  return ids;
}

const expireTokens = () => fixture.dynamics.control('POST', '/change-tracking/expire');
const tombstones = async () =>
  (await fixture.sql('select 1 from dynamics_contacts where deleted_at is not null')).length;

/** A client whose pages can be counted and spoilt. */
function pages(before: (count: number) => unknown) {
  let count = 0;
  const readChanges: typeof fixture.client.readChanges = async (options) => {
    count += 1;
    await before(count);
    return fixture.client.readChanges(options);
  };
  return { dataverse: { readChanges }, count: () => count };
}

describe('the first import', () => {
  it('links everybody, spread over time, and leaves a link behind', async () => {
    await createContacts(30);
    const { counts } = await fixture.reconcile({}, { pageSize: 10 });
    expect(counts).toMatchObject({ created: 30, missed: 0 });
    expect(await fixture.trackingRow()).toMatchObject({
      link: expect.stringMatching(/^contacts\?.*deltatoken/),
      next_page: null,
      full_read_at: null,
      imported_at: expect.any(Date),
      finished_at: expect.any(Date),
      lease_token: null,
    });
    const [spread] = await fixture.sql<{ due: number; seconds: number }>(
      `select count(distinct write_due_at)::int as due,
         extract(epoch from max(write_due_at) - now())::float8 as seconds
       from dynamics_contacts`,
    );
    // Ten a second: the last of thirty after about three.
    expect(spread?.due).toBeGreaterThan(10);
    expect(spread?.seconds).toBeLessThan(3.1);
  });

  it('links patients that ConsentHub knew already', async () => {
    await createContacts(2);
    await fixture.sql(
      `insert into patients (organization_id, first_name, last_name, email)
       values ($1, 'Lin', 'Fictitious 1', 'LIN1@example.test')`,
      [fixture.database.organizationId],
    );
    expect((await fixture.reconcile()).counts).toMatchObject({ created: 1, linked: 1 });
  });

  it('asks once for each page, and resumes where it was killed', async () => {
    const ids = await createContacts(60);
    const asked: number[] = [];
    for (const killedAfter of [2, 1, 2]) {
      const { dataverse, count } = pages((page) => {
        if (page > killedAfter) throw new Error('killed');
      });
      await expect(fixture.reconcile({}, { dataverse, pageSize: 10 })).rejects.toThrow('killed');
      asked.push(count() - 1);
    }
    const { dataverse, count } = pages(() => undefined);
    expect(await fixture.reconcile({}, { dataverse, pageSize: 10 })).toMatchObject({
      outcome: 'finished',
    });
    asked.push(count());
    // Six pages of contacts, and one of what changed meanwhile.
    expect(asked).toEqual([2, 1, 2, 2]);
    const rows = await fixture.sql<{ contact_id: string }>(
      `select c.contact_id from dynamics_contacts c
       join patients p on p.id = c.patient_id and p.dynamics_contact_id = c.contact_id::text`,
    );
    expect(rows.map((row) => row.contact_id).toSorted()).toEqual(ids.toSorted());
    expect(await fixture.sql('select 1 from patients')).toHaveLength(60);
    expect(await fixture.audits()).toHaveLength(60);
  });

  it('killed in the middle of a page applies it again without a trace', async () => {
    await createContacts(20);
    let calls = 0;
    const contacts = {
      ...fixture.all.contacts,
      async apply(writes: Parameters<typeof fixture.all.contacts.apply>[0]) {
        const applied = await fixture.all.contacts.apply(writes);
        calls += 1;
        if (calls === 2) throw new Error('killed');
        return applied;
      },
    };
    await expect(fixture.reconcile({}, { contacts, pageSize: 10 })).rejects.toThrow('killed');
    expect(await fixture.reconcile({}, { pageSize: 10 })).toMatchObject({ outcome: 'finished' });
    expect(await fixture.sql('select 1 from patients')).toHaveLength(20);
    expect(await fixture.audits()).toHaveLength(20);
  });

  it('stops before its time is over, and the next run goes on', async () => {
    await createContacts(30);
    let remaining = 330_000;
    const remainingMs = () => {
      remaining -= 60_000;
      return remaining;
    };
    expect(await fixture.reconcile({ remainingMs }, { pageSize: 10 })).toMatchObject({
      outcome: 'unfinished',
    });
    expect(await fixture.trackingRow()).toMatchObject({ lease_token: null, imported_at: null });
    expect(await fixture.reconcile({}, { pageSize: 10 })).toMatchObject({ outcome: 'finished' });
    expect(await fixture.sql('select 1 from patients')).toHaveLength(30);
  });

  it('finds what changes behind its cursor', { tags: ['fault-26'] }, async () => {
    await createContacts(20);
    let behind = '';
    const { dataverse } = pages(async (page) => {
      if (page !== 2) return;
      const contactid = '00000000-0000-4000-8000-000000000001';
      behind = await fixture.dynamics.createContact({ ...person(99), contactid });
    });
    expect((await fixture.reconcile({}, { dataverse, pageSize: 10 })).counts).toMatchObject({
      created: 21,
    });
    expect(await fixture.state(behind)).toMatchObject({ linked: true });
  });

  it('needs no consent columns', async () => {
    await createContacts(1);
    const column =
      "EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='ch_consent_date')";
    expect((await fixture.dynamics.api(column, { method: 'DELETE' })).status).toBe(204);
    expect(await fixture.reconcile()).toMatchObject({ outcome: 'finished' });
    expect(await fixture.sql('select 1 from patients')).toHaveLength(1);
  });
});

describe('when the link has expired', { tags: ['fault-26'] }, () => {
  it('everything is read again, and only what is proven to be deleted becomes a tombstone', async () => {
    const [gone = '', hidden = '', ...rest] = await createContacts(30);
    await fixture.reconcile();
    await fixture.remove(gone);
    await expireTokens();
    // The page does not show a contact that is there.
    const readChanges: typeof fixture.client.readChanges = async (options) => {
      const page = await fixture.client.readChanges(options);
      const contacts = page.contacts.filter(({ contactId }) => contactId !== hidden);
      return { ...page, contacts };
    };
    const { counts, problem } = await fixture.reconcile({}, { dataverse: { readChanges } });
    expect(counts).toMatchObject({ asked: 2, unlinked: 0 });
    expect(problem).toBeNull();
    expect(await tombstones()).toBe(0);

    const due = await fixture.sql<{ contact_id: string }>(
      'select contact_id from dynamics_contacts where read_due_at is not null',
    );
    expect(due.map((row) => row.contact_id).toSorted()).toEqual([gone, hidden].toSorted());
    await fixture.sync(due.map(({ contact_id: id }) => fixture.event(id, 'sync.requested')));
    expect(await fixture.state(gone)).toMatchObject({ deleted: true, linked: false });
    expect(await fixture.state(hidden)).toMatchObject({ deleted: false, linked: true });
    expect(await fixture.state(rest[0] ?? '')).toMatchObject({ read_due: false });
  });

  it('a contact that came while everything was read is not missing', async () => {
    await createContacts(12);
    await fixture.reconcile();
    await expireTokens();
    const { dataverse } = pages(async (page) => {
      if (page !== 2) return;
      const contactid = '00000000-0000-4000-8000-000000000001';
      const id = await fixture.dynamics.createContact({ ...person(99), contactid });
      await fixture.sync([fixture.event(id, 'contact.created')]);
    });
    expect((await fixture.reconcile({}, { dataverse, pageSize: 5 })).counts).toMatchObject({
      asked: 0,
    });
  });

  it('more than the share that may be missing touches no row, and says so until it is well', async () => {
    await createContacts(40);
    await fixture.reconcile();
    await expireTokens();
    const rows = () =>
      fixture.sql(
        'select contact_id, revision, read_due_at, deleted_at from dynamics_contacts order by 1',
      );
    const before = await rows();
    const readChanges: typeof fixture.client.readChanges = async (options) => {
      const page = await fixture.client.readChanges(options);
      return { ...page, contacts: page.contacts.slice(0, 25) };
    };
    const half = { dataverse: { readChanges } };
    fixture.recorded.length = 0;
    expect(await fixture.reconcile({}, half)).toMatchObject({
      outcome: 'finished',
      problem: 'contacts_missing',
      counts: { asked: 0 },
    });
    expect(await rows()).toEqual(before);
    expect(fixture.recorded).toContain('ReconcileFailures{reason=contacts_missing}');

    // Changes go on, and so does the alarm.
    const fresh = await fixture.dynamics.createContact(person(77));
    fixture.recorded.length = 0;
    expect(await fixture.reconcile()).toMatchObject({ problem: 'contacts_missing' });
    expect(fixture.recorded).toContain('ReconcileFailures{reason=contacts_missing}');
    expect(await fixture.state(fresh)).toMatchObject({ linked: true });

    expect(await fixture.reconcile({ fullRead: 'again' })).toMatchObject({ problem: null });
    // Somebody who has looked may allow more.
    expect(
      await fixture.reconcile({ fullRead: 'again' }, { ...half, maxMissingShare: 1 }),
    ).toMatchObject({ problem: null, counts: { asked: 16 } });
    expect(await tombstones()).toBe(0);
  });

  it('crashes anywhere lose no proof', async () => {
    const [gone = ''] = await createContacts(12);
    await fixture.reconcile();
    await fixture.remove(gone);
    await expireTokens();
    const askMissing = async () => {
      throw new Error('killed');
    };
    await expect(
      fixture.reconcile({}, { tracking: { ...fixture.tracking, askMissing } }),
    ).rejects.toThrow('killed');
    expect((await fixture.reconcile()).counts).toMatchObject({ asked: 1 });
    expect(await fixture.state(gone)).toMatchObject({ read_due: true });
    expect(await fixture.trackingRow()).toMatchObject({ full_read_at: null });
  });
});

describe('without the privilege to read', { tags: ['fault-26'] }, () => {
  it.each(['none', 'user'] as const)(
    'everything (%s) nothing changes, and it is said until it is given back',
    async (depth) => {
      await createContacts(3);
      await fixture.reconcile();
      const rows = () => fixture.sql('select * from dynamics_contacts order by contact_id');
      const before = await rows();
      await fixture.dynamics.control('PUT', '/privileges', { read: depth });
      await expireTokens();
      fixture.recorded.length = 0;
      for (let n = 0; n < 2; n += 1) {
        expect(await fixture.reconcile()).toMatchObject({
          outcome: 'failed',
          problem: 'read_forbidden',
        });
      }
      expect(fixture.recorded).toContain('ReconcileFailures{reason=read_forbidden}');
      expect(await rows()).toEqual(before);
      expect(await fixture.trackingProblems()).toEqual(['read_forbidden']);
      await fixture.dynamics.control('PUT', '/privileges', { read: 'organization' });
      expect(await fixture.reconcile()).toMatchObject({ outcome: 'finished', problem: null });
      expect(await tombstones()).toBe(0);
    },
  );

  it('a page that fails leaves everything for the next run', async () => {
    await createContacts(20);
    await fixture.reconcile({}, { pageSize: 10 });
    await expireTokens();
    const { dataverse } = pages((page) =>
      page === 3 ? fixture.dynamics.control('PUT', '/faults', { mode: 'unavailable' }) : undefined,
    );
    expect(await fixture.reconcile({}, { dataverse, pageSize: 10 })).toMatchObject({
      outcome: 'failed',
      problem: null,
    });
    await fixture.dynamics.control('DELETE', '/faults');
    expect(await fixture.reconcile({}, { pageSize: 10 })).toMatchObject({ outcome: 'finished' });
    expect(await tombstones()).toBe(0);
  });
});

describe('an organisation that was restored from a backup', { tags: ['fault-35'] }, () => {
  it('is noticed, and read anew on an operator’s word', async () => {
    const [kept = '', revived = ''] = await createContacts(3);
    await fixture.reconcile();
    const { id: backup } = (await (await fixture.dynamics.control('POST', '/backups')).json()) as {
      id: string;
    };
    for (let n = 0; n < 20; n += 1) await fixture.change(kept, { lastname: `After ${n}` });
    const later = await fixture.dynamics.createContact(person(50));
    await fixture.remove(revived);
    await fixture.reconcile();
    await fixture.dynamics.control('POST', `/backups/${backup}/restore`);
    expect(await fixture.state(kept)).toMatchObject({ last_name: 'After 19' });
    // The link finds nothing; a change that is made now has a version that was counted before.
    await fixture.change(kept, { firstname: 'Lina' });
    await fixture.reconcile({ fullRead: 'again' });
    expect(await fixture.trackingRow()).toMatchObject({ problem: 'versions_went_back' });

    expect(await fixture.reconcile({ fullRead: 'new-epoch' })).toMatchObject({
      outcome: 'finished',
      problem: null,
    });
    expect(await fixture.state(kept)).toMatchObject({
      last_name: 'Fictitious 0',
      first_name: 'Lina',
    });
    expect(await fixture.state(revived)).toMatchObject({ linked: true, deleted: false });
    await fixture.sync([fixture.event(later, 'sync.requested')]);
    expect(await fixture.state(later)).toMatchObject({ deleted: true });
    const [versions] = await fixture.sql<{ count: number }>(
      'select count(*)::int from dynamics_contacts where version is null and deleted_at is null',
    );
    expect(versions?.count).toBe(0);
  });
});
