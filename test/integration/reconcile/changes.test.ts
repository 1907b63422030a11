import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ReconcileFixture, startReconcile } from './fixture.ts';

const TEN_MINUTES_MS = 600_000;

let fixture: ReconcileFixture;

beforeEach(async () => {
  fixture = await startReconcile();
});
afterEach(() => fixture.close());

const person = (lastname: string) => ({
  firstname: 'Lin',
  lastname,
  emailaddress1: `${lastname.toLowerCase()}@example.test`,
});

/** Everything was read once: from now on changes are followed. */
async function imported(...lastnames: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const lastname of lastnames)
    ids.push(await fixture.dynamics.createContact(person(lastname)));
  expect(await fixture.reconcile()).toMatchObject({ outcome: 'finished', problem: null });
  fixture.recorded.length = 0;
  return ids;
}

describe('without webhooks', { tags: ['fault-25'] }, () => {
  it('one run brings what was created, updated, deleted and restored', async () => {
    const [changed = '', deleted = '', restored = ''] = await imported('Old', 'Gone', 'Back');
    await fixture.remove(restored);
    await fixture.reconcile();
    fixture.recorded.length = 0;
    fixture.actedAgo(TEN_MINUTES_MS);
    const created = await fixture.dynamics.createContact(person('New'));
    await fixture.change(changed, { lastname: 'Changed' });
    await fixture.remove(deleted);
    await fixture.restore(restored);

    const { counts } = await fixture.reconcile();
    expect(counts).toMatchObject({ created: 1, updated: 1, unlinked: 1, linked: 1, missed: 4 });
    expect(fixture.recorded).toContain('MissedWebhooks 4');
    expect(await fixture.state(created)).toMatchObject({ linked: true, last_name: 'New' });
    expect(await fixture.state(changed)).toMatchObject({ linked: true, last_name: 'Changed' });
    expect(await fixture.state(deleted)).toMatchObject({ deleted: true, linked: false });
    expect(await fixture.state(restored)).toMatchObject({ deleted: false, linked: true });
  });

  it('a difference that is younger than two minutes is applied and not counted', async () => {
    const [id = ''] = await imported('Old');
    await fixture.change(id, { lastname: 'Young' });
    expect((await fixture.reconcile()).counts).toMatchObject({ updated: 1, missed: 0 });
    expect(await fixture.state(id)).toMatchObject({ last_name: 'Young' });
    expect(fixture.recorded).not.toContainEqual(expect.stringContaining('MissedWebhooks'));
  });

  it('a deletion whose webhook comes while the run waits for it is not counted', async () => {
    const [id = ''] = await imported('Gone');
    await fixture.remove(id);
    const wait = async () => void (await fixture.sync([fixture.event(id, 'contact.deleted')]));
    expect((await fixture.reconcile({}, { wait })).counts).toMatchObject({
      unlinked: 0,
      missed: 0,
    });
    expect(await fixture.state(id)).toMatchObject({ deleted: true });
  });

  it('the audit trail names only what changed, as the reconciler’s', async () => {
    const [id = ''] = await imported('Old', 'Other');
    await fixture.change(id, { lastname: 'Changed' });
    await fixture.reconcile();
    expect(await fixture.audits()).toEqual([
      ...['Old', 'Other'].map(() => ({
        action: 'patient_created',
        source: 'import',
        outcome: 'applied',
        event_id: null,
      })),
      { action: 'patient_updated', source: 'reconcile', outcome: 'applied', event_id: null },
    ]);
  });
});

describe('with webhooks', () => {
  it('a run changes nothing and counts nothing', async () => {
    const [changed = '', deleted = ''] = await imported('Old', 'Gone');
    fixture.actedAgo(TEN_MINUTES_MS);
    const created = await fixture.dynamics.createContact(person('New'));
    await fixture.change(changed, { lastname: 'Changed' });
    await fixture.remove(deleted);
    await fixture.sync([
      fixture.event(created, 'contact.created'),
      fixture.event(changed),
      fixture.event(deleted, 'contact.deleted'),
    ]);
    const rows = () => fixture.sql('select * from dynamics_contacts order by contact_id');
    const [before, audits] = [await rows(), await fixture.audits()];

    const { counts } = await fixture.reconcile();
    expect(counts).toMatchObject({ listed: 3, created: 0, updated: 0, unlinked: 0, missed: 0 });
    expect(await rows()).toEqual(before);
    expect(await fixture.audits()).toEqual(audits);
    expect(fixture.waits).toEqual([]);
  });

  it('a version that grew by a write of ours changes nothing that either side shows', async () => {
    const [id = ''] = await imported('Same');
    fixture.actedAgo(TEN_MINUTES_MS);
    const [before] = await fixture.sql('select revision, version from dynamics_contacts');
    await fixture.client.updateContact(id, { ch_marketing_sms: false }, { ifMatch: '*' });
    expect((await fixture.reconcile()).counts).toMatchObject({ updated: 0, missed: 0 });
    const [after] = await fixture.sql('select revision, version from dynamics_contacts');
    expect(after?.['revision']).toBe(before?.['revision']);
    expect(BigInt(String(after?.['version'])) > BigInt(String(before?.['version']))).toBe(true);
  });
});

describe('consent fields that somebody has edited in Dynamics', { tags: ['fault-31'] }, () => {
  it('are right again after a run and a sweep', async () => {
    await imported();
    const { contactId, patientId } = await fixture.linked(1);
    await fixture.decide(patientId, 'email', 'granted');
    await fixture.syncConsent([fixture.consentEvent(patientId, undefined)]);
    await fixture.reconcile();
    fixture.actedAgo(TEN_MINUTES_MS);
    await fixture.change(contactId, { ch_marketing_email: false, ch_marketing_sms: true });
    expect((await fixture.reconcile()).counts).toMatchObject({ edited: 1, updated: 0, missed: 0 });
    expect(fixture.recorded).toContain('ConsentDrift');
    await fixture.sweep();
    expect(await fixture.shown(contactId)).toMatchObject({ email: true, sms: false });
    expect((await fixture.reconcile()).counts).toMatchObject({ edited: 0 });
  });

  it('are not said to be edited where a write of ours overtakes the page', async () => {
    await imported();
    const { contactId, patientId } = await fixture.linked(2);
    await fixture.decide(patientId, 'email', 'granted');
    await fixture.syncConsent([fixture.consentEvent(patientId, undefined)]);
    const readChanges: typeof fixture.client.readChanges = async (options) => {
      const page = await fixture.client.readChanges(options);
      await fixture.decide(patientId, 'sms', 'granted');
      await fixture.syncConsent([fixture.consentEvent(patientId, undefined)]);
      return page;
    };
    expect((await fixture.reconcile({}, { dataverse: { readChanges } })).counts.edited).toBe(0);
    expect(await fixture.shown(contactId)).toMatchObject({ email: true, sms: true });
  });
});

describe('a page', () => {
  it('is older than a row that has been read since, and is not applied over it', async () => {
    const [id = ''] = await imported('First');
    await fixture.change(id, { lastname: 'Second' });
    const dataverse = {
      async readChanges(options: Parameters<typeof fixture.client.readChanges>[0]) {
        const page = await fixture.client.readChanges(options);
        await fixture.change(id, { lastname: 'Third' });
        await fixture.sync([fixture.event(id)]);
        return page;
      },
    };
    await fixture.reconcile({}, { dataverse });
    expect(await fixture.state(id)).toMatchObject({ last_name: 'Third' });
  });

  it('does not bring back what was deleted since', { tags: ['fault-5'] }, async () => {
    const [id = ''] = await imported('First');
    await fixture.change(id, { lastname: 'Second' });
    const readChanges: typeof fixture.client.readChanges = async (options) => {
      const page = await fixture.client.readChanges(options);
      await fixture.remove(id);
      await fixture.sync([fixture.event(id, 'contact.deleted')]);
      return page;
    };
    await fixture.reconcile({}, { dataverse: { readChanges } });
    expect(await fixture.state(id)).toMatchObject({ deleted: true, linked: false });
  });

  it('leaves a clock alone that asks for a newer read than it is', async () => {
    const [id = ''] = await imported('First');
    await fixture.change(id, { lastname: 'Second' });
    await fixture.sql('update dynamics_contacts set read_due_at = now(), revision = revision + 1');
    await fixture.reconcile();
    expect(await fixture.state(id)).toMatchObject({ read_due: true, last_name: 'First' });
  });

  it('with one contact that the database refuses is applied without it', async () => {
    await imported();
    const bad = await fixture.dynamics.createContact(person('Bad\\u0000'));
    const good = await fixture.dynamics.createContact(person('Good'));
    const readChanges: typeof fixture.client.readChanges = async (options) => {
      const page = await fixture.client.readChanges(options);
      const contacts = page.contacts.map((contact) =>
        contact.contactId === bad ? { ...contact, lastName: 'Bad\u0000' } : contact,
      );
      return { ...page, contacts };
    };
    const dataverse = { readChanges };
    const { counts } = await fixture.reconcile({}, { dataverse });
    expect(counts).toMatchObject({ created: 1, refused: 1 });
    expect(await fixture.state(good)).toMatchObject({ linked: true });
    expect(await fixture.state(bad)).toBeUndefined();
    expect(fixture.recorded).toContain('ContactsRefused 1');
    expect(fixture.lines).toContainEqual({ code: 'CO-008', contactId: bad });
  });
});

describe('a run', () => {
  it('is the only one', async () => {
    await imported('One');
    let inner: unknown;
    const readChanges: typeof fixture.client.readChanges = async (options) => {
      inner ??= (await fixture.reconcile()).outcome;
      return fixture.client.readChanges(options);
    };
    const outer = await fixture.reconcile({}, { dataverse: { readChanges } });
    expect([inner, outer.outcome]).toEqual(['busy', 'finished']);
    expect(await fixture.trackingRow()).toMatchObject({ lease_token: null });
  });

  it('that was overtaken does not move the link', async () => {
    const [id = ''] = await imported('One');
    await fixture.change(id, { lastname: 'Two' });
    const before = await fixture.trackingRow();
    const readChanges: typeof fixture.client.readChanges = async (options) => {
      await fixture.sql(
        'update dynamics_change_tracking set lease_token = gen_random_uuid(), lease_until = now()',
      );
      return fixture.client.readChanges(options);
    };
    const { outcome } = await fixture.reconcile({}, { dataverse: { readChanges } });
    expect(outcome).toBe('failed');
    expect((await fixture.trackingRow())?.link).toBe(before?.link);
    expect(await fixture.reconcile()).toMatchObject({ outcome: 'finished' });
    expect(await fixture.state(id)).toMatchObject({ last_name: 'Two' });
  });

  it('whose page was not applied to its end reads the same page again', async () => {
    const [id = ''] = await imported('One');
    await fixture.change(id, { lastname: 'Two' });
    const before = await fixture.trackingRow();
    const read = async () => {
      throw new Error('killed');
    };
    await expect(
      fixture.reconcile({}, { contacts: { ...fixture.all.contacts, read } }),
    ).rejects.toThrow('killed');
    expect((await fixture.trackingRow())?.link).toBe(before?.link);
    expect((await fixture.reconcile()).counts).toMatchObject({ updated: 1 });
  });

  it('goes nowhere for a Dynamics that belongs to nobody', async () => {
    await fixture.sql("update organizations set dynamics_org_id = 'another'");
    expect(await fixture.reconcile()).toMatchObject({ outcome: 'unknown-organization' });
    expect(fixture.recorded).toEqual(['ReconcileFailures{reason=unknown_organization}']);
  });
});
