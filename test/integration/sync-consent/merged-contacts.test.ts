/** The most restrictive state of two patients holds while their contacts are merged and they are not. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSyncConsent, type SyncConsentFixture } from './fixture.ts';

let fixture: SyncConsentFixture;
beforeAll(async () => {
  fixture = await startSyncConsent();
});
afterAll(() => fixture?.close());
beforeEach(() => {
  fixture.lines.length = 0;
  fixture.recorded.length = 0;
});

let counter = 1_200;
const linked = () => fixture.linked((counter += 1));
const merge = (contactId: string, into: string) =>
  fixture.dynamics.control('POST', `/contacts/${contactId}/merge`, { into });
const ring = (patientId: string) =>
  fixture.syncConsent([fixture.consentEvent(patientId, undefined)]);

/** Two contacts with a patient each, of whom the master has granted email and SMS, the other one revoked email. */
async function mergedPair() {
  const [master, other] = [await linked(), await linked()];
  await fixture.decide(master.patientId, 'email', 'granted');
  await fixture.decide(master.patientId, 'sms', 'granted');
  await fixture.decide(other.patientId, 'email', 'revoked');
  await ring(master.patientId);
  await ring(other.patientId);
  expect(await fixture.shown(master.contactId)).toMatchObject({ email: true, sms: true });
  expect((await merge(other.contactId, master.contactId)).ok).toBe(true);
  await fixture.sync([fixture.event(master.contactId), fixture.event(other.contactId)]);
  await fixture.sweep();
  return { master, other };
}

test('what the merged one has revoked is off at the master', { tags: ['fault-33'] }, async () => {
  const { master, other } = await mergedPair();
  expect(await fixture.shown(master.contactId)).toMatchObject({
    email: false,
    sms: true,
    status: 'Partial',
  });
  expect(fixture.lines).toContainEqual(
    expect.objectContaining({
      code: 'CO-006',
      contactId: other.contactId,
      masterId: master.contactId,
    }),
  );
});

test('a revocation of the merged one reaches both contacts', { tags: ['fault-33'] }, async () => {
  const { master, other } = await mergedPair();
  await fixture.decide(other.patientId, 'sms', 'revoked');
  await ring(other.patientId);
  expect(await fixture.shown(master.contactId)).toMatchObject({ sms: false, status: 'None' });
  // Deactivated by the merge, and in sync all the same.
  await fixture.decide(other.patientId, 'phone', 'granted');
  await ring(other.patientId);
  expect(await fixture.shown(other.contactId)).toMatchObject({ status: 'Partial' });
});

test('also when the merged contact is deleted', { tags: ['fault-33'] }, async () => {
  const { master, other } = await mergedPair();
  await fixture.dynamics.control('DELETE', `/contacts/${other.contactId}`);
  await fixture.sync([fixture.event(other.contactId, 'contact.deleted')]);
  await fixture.sweep();
  expect(await fixture.shown(master.contactId)).toMatchObject({ email: false, sms: true });
  await fixture.decide(other.patientId, 'sms', 'revoked');
  await fixture.sweep();
  expect(await fixture.shown(master.contactId)).toMatchObject({ sms: false });
});

test('ConsentHub merges the patients: the master shows its own again', {
  tags: ['fault-33'],
}, async () => {
  const { master, other } = await mergedPair();
  await fixture.sql('delete from consents where patient_id = $1', [other.patientId]);
  await fixture.sql('delete from patients where id = $1', [other.patientId]);
  await fixture.sweep();
  expect(await fixture.shown(master.contactId)).toMatchObject({ email: true, status: 'Active' });
});

test('a master that is merged again takes all of them along', { tags: ['fault-33'] }, async () => {
  const { master, other } = await mergedPair();
  const last = await linked();
  await fixture.decide(last.patientId, 'email', 'granted');
  await ring(last.patientId);
  await merge(master.contactId, last.contactId);
  await fixture.sync([fixture.event(master.contactId), fixture.event(last.contactId)]);
  await fixture.sweep();
  expect(await fixture.shown(last.contactId)).toMatchObject({ email: false, sms: true });
  await fixture.decide(other.patientId, 'sms', 'revoked');
  await fixture.sweep();
  expect(await fixture.shown(last.contactId)).toMatchObject({ sms: false });
});

/** A contact with a patient who has revoked email, merged into one that nobody knows yet. */
async function mergedIntoUnknown() {
  const other = await linked();
  await fixture.decide(other.patientId, 'email', 'revoked');
  await fixture.decide(other.patientId, 'sms', 'granted');
  await ring(other.patientId);
  const masterId = await fixture.dynamics.createContact({ firstname: 'Ada', lastname: 'Unknown' });
  expect((await merge(other.contactId, masterId)).ok).toBe(true);
  return { other, masterId };
}
const patientCount = async () =>
  Number((await fixture.sql('select count(*) from patients'))[0]?.['count']);
const links = (contactId: string) =>
  fixture
    .sql(
      `select c.patient_id, c.former_patient_id, p.dynamics_contact_id, p.last_name
       from dynamics_contacts c
       left join patients p on p.id = coalesce(c.patient_id, c.former_patient_id)
       where c.contact_id = $1`,
      [contactId],
    )
    .then(([row]) => row);
const moved = async (other: { contactId: string; patientId: string }, masterId: string) => {
  expect(await links(masterId)).toEqual({
    patient_id: other.patientId,
    former_patient_id: null,
    dynamics_contact_id: masterId,
    last_name: 'Unknown',
  });
  expect(await links(other.contactId)).toMatchObject({
    patient_id: null,
    former_patient_id: other.patientId,
  });
};

describe('a master without a patient gets that of the merged contact', {
  tags: ['fault-33'],
}, () => {
  test('where nobody knows the master yet', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    const before = await patientCount();
    await fixture.sync([fixture.event(other.contactId)]);
    // Rings for the unknown master, then for the write that the new link asks for.
    await fixture.sweep();
    await fixture.sweep();
    await moved(other, masterId);
    expect(await patientCount()).toBe(before);
    expect(await fixture.shown(masterId)).toMatchObject({
      email: false,
      sms: true,
      status: 'Partial',
    });
    const audits = await fixture.sql(
      `select action, outcome, new_values ->> 'movedFrom' as "movedFrom" from audit_logs
       where new_values ->> 'contactId' = $1 and action = 'patient_linked'`,
      [masterId],
    );
    expect(audits).toEqual([
      { action: 'patient_linked', outcome: 'applied', movedFrom: other.contactId },
    ]);
    // It decides for the master from now on, and the merged contact gets nobody new.
    await fixture.decide(other.patientId, 'sms', 'revoked');
    await ring(other.patientId);
    expect(await fixture.shown(masterId)).toMatchObject({ sms: false, status: 'None' });
    await fixture.sync([fixture.event(other.contactId)]);
    await moved(other, masterId);
    expect(await patientCount()).toBe(before);
  });

  test.each([['the merged one first'], ['the master first']])(
    'where one batch tells of both, %s',
    async (order) => {
      const { other, masterId } = await mergedIntoUnknown();
      const before = await patientCount();
      const events = [fixture.event(other.contactId), fixture.event(masterId)];
      const settled = await fixture.sync(
        order.startsWith('the master') ? events.toReversed() : events,
      );
      expect(settled).toEqual([{ kind: 'done' }, { kind: 'done' }]);
      await moved(other, masterId);
      expect(await patientCount()).toBe(before);
    },
  );

  test('but not where the master was read before the merge was known: both count', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    await fixture.sync([fixture.event(masterId)]);
    await fixture.sync([fixture.event(other.contactId)]);
    await fixture.sweep();
    expect((await links(other.contactId))?.['patient_id']).toBe(other.patientId);
    expect((await links(masterId))?.['patient_id']).not.toBe(other.patientId);
    expect(await fixture.shown(masterId)).toMatchObject({ email: false, sms: true });
  });

  test('and exactly one of several: the one that was known first', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    const second = await linked();
    await fixture.decide(second.patientId, 'sms', 'revoked');
    await merge(second.contactId, masterId);
    await fixture.sync([fixture.event(second.contactId), fixture.event(other.contactId)]);
    await fixture.sweep();
    await fixture.sweep();
    await moved(other, masterId);
    expect((await links(second.contactId))?.['patient_id']).toBe(second.patientId);
    expect(await fixture.shown(masterId)).toMatchObject({
      email: false,
      sms: false,
      status: 'None',
    });
  });

  test('also by way of a master that was merged again', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    const lastId = await fixture.dynamics.createContact({ firstname: 'Ada', lastname: 'Unknown' });
    await merge(masterId, lastId);
    await fixture.sync([
      fixture.event(lastId),
      fixture.event(masterId),
      fixture.event(other.contactId),
    ]);
    await fixture.sweep();
    await moved(other, lastId);
    expect(await links(masterId)).toMatchObject({ patient_id: null });
  });

  test('also when the merged contact has been deleted since', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    await fixture.sync([fixture.event(other.contactId)]);
    await fixture.dynamics.control('DELETE', `/contacts/${other.contactId}`);
    await fixture.sync([fixture.event(other.contactId, 'contact.deleted')]);
    await fixture.sweep();
    await moved(other, masterId);
  });

  test('not where the patient of the master was erased', async () => {
    const master = await linked();
    const other = await linked();
    await fixture.sql('delete from patients where id = $1', [master.patientId]);
    await merge(other.contactId, master.contactId);
    await fixture.sync([fixture.event(master.contactId), fixture.event(other.contactId)]);
    await fixture.sweep();
    expect((await links(master.contactId))?.['patient_id']).toBeNull();
    expect((await links(other.contactId))?.['patient_id']).toBe(other.patientId);
  });

  test('not if the merged contact changes meanwhile: it is decided anew', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    await fixture.sync([fixture.event(other.contactId)]);
    let changed = false;
    const store = {
      ...fixture.dependencies.contacts,
      async findPatientsToLink(
        questions: Parameters<typeof fixture.dependencies.contacts.findPatientsToLink>[0],
      ) {
        const candidates = await fixture.dependencies.contacts.findPatientsToLink(questions);
        if (!changed) {
          changed = true;
          await fixture.sql('update patients set phone = $2 where id = $1', [other.patientId, '7']);
        }
        return candidates;
      },
    };
    const [settled] = await fixture.sync([fixture.event(masterId)], { overrides: { store } });
    expect(settled).toEqual({ kind: 'done' });
    expect(fixture.lines).toContainEqual(
      expect.objectContaining({ code: 'CO-003', contactId: masterId }),
    );
    await moved(other, masterId);
  });

  test('and a contact that a restored backup shows unmerged gets a patient of its own', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    await fixture.sync([fixture.event(other.contactId), fixture.event(masterId)]);
    await moved(other, masterId);
    const readContacts = async (ids: readonly string[]) =>
      new Map(
        [...(await fixture.readContacts(ids))].map(([id, read]) => [
          id,
          read.kind === 'found' ? { ...read, mergedInto: null } : read,
        ]),
      );
    await fixture.sync([fixture.event(other.contactId)], { overrides: { readContacts } });
    expect((await links(masterId))?.['patient_id']).toBe(other.patientId);
    expect((await links(other.contactId))?.['patient_id']).not.toBe(other.patientId);
    expect((await links(other.contactId))?.['patient_id']).not.toBeNull();
  });
});

test('a restored backup in which they are not merged: the master shows its own again', {
  tags: ['fault-33', 'fault-35'],
}, async () => {
  const { master, other } = await mergedPair();
  const readContacts = async (ids: readonly string[]) =>
    new Map(
      [...(await fixture.readContacts(ids))].map(([id, read]) => [
        id,
        read.kind === 'found' ? { ...read, version: '1', mergedInto: null } : read,
      ]),
    );
  await fixture.sync([fixture.event(other.contactId)], { overrides: { readContacts } });
  expect(fixture.recorded).toContain('VersionRegressions');
  expect(fixture.lines).toContainEqual(expect.objectContaining({ code: 'CO-007' }));
  await fixture.sweep();
  expect(await fixture.shown(master.contactId)).toMatchObject({ email: true, status: 'Active' });
});
