/** The most restrictive state of two patients holds while their contacts are merged and they are not. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSyncConsent, type SyncConsentFixture } from './fixture.ts';

let it: SyncConsentFixture;
beforeAll(async () => {
  it = await startSyncConsent();
});
afterAll(() => it?.close());
beforeEach(() => {
  it.lines.length = 0;
  it.recorded.length = 0;
});

let counter = 1_200;
const linked = () => it.linked((counter += 1));
const merge = (contactId: string, into: string) =>
  it.dynamics.control('POST', `/contacts/${contactId}/merge`, { into });
const ring = (patientId: string) => it.syncConsent([it.consentEvent(patientId, undefined)]);

/** Two contacts with a patient each, of whom the master has granted email and SMS, the other one revoked email. */
async function mergedPair() {
  const [master, other] = [await linked(), await linked()];
  await it.decide(master.patientId, 'email', 'granted');
  await it.decide(master.patientId, 'sms', 'granted');
  await it.decide(other.patientId, 'email', 'revoked');
  await ring(master.patientId);
  await ring(other.patientId);
  expect(await it.shown(master.contactId)).toMatchObject({ email: true, sms: true });
  expect((await merge(other.contactId, master.contactId)).ok).toBe(true);
  await it.sync([it.event(master.contactId), it.event(other.contactId)]);
  await it.sweep();
  return { master, other };
}

test('what the merged one has revoked is off at the master', { tags: ['fault-33'] }, async () => {
  const { master, other } = await mergedPair();
  expect(await it.shown(master.contactId)).toMatchObject({
    email: false,
    sms: true,
    status: 'Partial',
  });
  expect(it.lines).toContainEqual(
    expect.objectContaining({
      code: 'CO-006',
      contactId: other.contactId,
      masterId: master.contactId,
    }),
  );
});

test('a revocation of the merged one reaches both contacts', { tags: ['fault-33'] }, async () => {
  const { master, other } = await mergedPair();
  await it.decide(other.patientId, 'sms', 'revoked');
  await ring(other.patientId);
  expect(await it.shown(master.contactId)).toMatchObject({ sms: false, status: 'None' });
  // Deactivated by the merge, and in sync all the same.
  await it.decide(other.patientId, 'phone', 'granted');
  await ring(other.patientId);
  expect(await it.shown(other.contactId)).toMatchObject({ status: 'Partial' });
});

test('also when the merged contact is deleted', { tags: ['fault-33'] }, async () => {
  const { master, other } = await mergedPair();
  await it.dynamics.control('DELETE', `/contacts/${other.contactId}`);
  await it.sync([it.event(other.contactId, 'contact.deleted')]);
  await it.sweep();
  expect(await it.shown(master.contactId)).toMatchObject({ email: false, sms: true });
  await it.decide(other.patientId, 'sms', 'revoked');
  await it.sweep();
  expect(await it.shown(master.contactId)).toMatchObject({ sms: false });
});

test('ConsentHub merges the patients: the master shows its own again', {
  tags: ['fault-33'],
}, async () => {
  const { master, other } = await mergedPair();
  await it.sql('delete from consents where patient_id = $1', [other.patientId]);
  await it.sql('delete from patients where id = $1', [other.patientId]);
  await it.sweep();
  expect(await it.shown(master.contactId)).toMatchObject({ email: true, status: 'Active' });
});

test('a master that is merged again takes all of them along', { tags: ['fault-33'] }, async () => {
  const { master, other } = await mergedPair();
  const last = await linked();
  await it.decide(last.patientId, 'email', 'granted');
  await ring(last.patientId);
  await merge(master.contactId, last.contactId);
  await it.sync([it.event(master.contactId), it.event(last.contactId)]);
  await it.sweep();
  expect(await it.shown(last.contactId)).toMatchObject({ email: false, sms: true });
  await it.decide(other.patientId, 'sms', 'revoked');
  await it.sweep();
  expect(await it.shown(last.contactId)).toMatchObject({ sms: false });
});

/** A contact with a patient who has revoked email, merged into one that nobody knows yet. */
async function mergedIntoUnknown() {
  const other = await linked();
  await it.decide(other.patientId, 'email', 'revoked');
  await it.decide(other.patientId, 'sms', 'granted');
  await ring(other.patientId);
  const masterId = await it.dynamics.createContact({ firstname: 'Ada', lastname: 'Unknown' });
  expect((await merge(other.contactId, masterId)).ok).toBe(true);
  return { other, masterId };
}
const patientCount = async () =>
  Number((await it.sql('select count(*) from patients'))[0]?.['count']);
const links = (contactId: string) =>
  it
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
    await it.sync([it.event(other.contactId)]);
    // Rings for the unknown master, then for the write that the new link asks for.
    await it.sweep();
    await it.sweep();
    await moved(other, masterId);
    expect(await patientCount()).toBe(before);
    expect(await it.shown(masterId)).toMatchObject({ email: false, sms: true, status: 'Partial' });
    const audits = await it.sql(
      `select action, outcome, new_values ->> 'movedFrom' as "movedFrom" from audit_logs
       where new_values ->> 'contactId' = $1 and action = 'patient_linked'`,
      [masterId],
    );
    expect(audits).toEqual([
      { action: 'patient_linked', outcome: 'applied', movedFrom: other.contactId },
    ]);
    // It decides for the master from now on, and the merged contact gets nobody new.
    await it.decide(other.patientId, 'sms', 'revoked');
    await ring(other.patientId);
    expect(await it.shown(masterId)).toMatchObject({ sms: false, status: 'None' });
    await it.sync([it.event(other.contactId)]);
    await moved(other, masterId);
    expect(await patientCount()).toBe(before);
  });

  test.each([['the merged one first'], ['the master first']])(
    'where one batch tells of both, %s',
    async (order) => {
      const { other, masterId } = await mergedIntoUnknown();
      const before = await patientCount();
      const events = [it.event(other.contactId), it.event(masterId)];
      const settled = await it.sync(order.startsWith('the master') ? events.toReversed() : events);
      expect(settled).toEqual([{ kind: 'done' }, { kind: 'done' }]);
      await moved(other, masterId);
      expect(await patientCount()).toBe(before);
    },
  );

  test('but not where the master was read before the merge was known: both count', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    await it.sync([it.event(masterId)]);
    await it.sync([it.event(other.contactId)]);
    await it.sweep();
    expect((await links(other.contactId))?.['patient_id']).toBe(other.patientId);
    expect((await links(masterId))?.['patient_id']).not.toBe(other.patientId);
    expect(await it.shown(masterId)).toMatchObject({ email: false, sms: true });
  });

  test('and exactly one of several: the one that was known first', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    const second = await linked();
    await it.decide(second.patientId, 'sms', 'revoked');
    await merge(second.contactId, masterId);
    await it.sync([it.event(second.contactId), it.event(other.contactId)]);
    await it.sweep();
    await it.sweep();
    await moved(other, masterId);
    expect((await links(second.contactId))?.['patient_id']).toBe(second.patientId);
    expect(await it.shown(masterId)).toMatchObject({ email: false, sms: false, status: 'None' });
  });

  test('also by way of a master that was merged again', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    const lastId = await it.dynamics.createContact({ firstname: 'Ada', lastname: 'Unknown' });
    await merge(masterId, lastId);
    await it.sync([it.event(lastId), it.event(masterId), it.event(other.contactId)]);
    await it.sweep();
    await moved(other, lastId);
    expect(await links(masterId)).toMatchObject({ patient_id: null });
  });

  test('also when the merged contact has been deleted since', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    await it.sync([it.event(other.contactId)]);
    await it.dynamics.control('DELETE', `/contacts/${other.contactId}`);
    await it.sync([it.event(other.contactId, 'contact.deleted')]);
    await it.sweep();
    await moved(other, masterId);
  });

  test('not where the patient of the master was erased', async () => {
    const master = await linked();
    const other = await linked();
    await it.sql('delete from patients where id = $1', [master.patientId]);
    await merge(other.contactId, master.contactId);
    await it.sync([it.event(master.contactId), it.event(other.contactId)]);
    await it.sweep();
    expect((await links(master.contactId))?.['patient_id']).toBeNull();
    expect((await links(other.contactId))?.['patient_id']).toBe(other.patientId);
  });

  test('not if the merged contact changes meanwhile: it is decided anew', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    await it.sync([it.event(other.contactId)]);
    let changed = false;
    const store = {
      ...it.dependencies.contacts,
      async findPatientsToLink(
        questions: Parameters<typeof it.dependencies.contacts.findPatientsToLink>[0],
      ) {
        const candidates = await it.dependencies.contacts.findPatientsToLink(questions);
        if (!changed) {
          changed = true;
          await it.sql('update patients set phone = $2 where id = $1', [other.patientId, '7']);
        }
        return candidates;
      },
    };
    const [settled] = await it.sync([it.event(masterId)], { overrides: { store } });
    expect(settled).toEqual({ kind: 'done' });
    expect(it.lines).toContainEqual(
      expect.objectContaining({ code: 'CO-003', contactId: masterId }),
    );
    await moved(other, masterId);
  });

  test('and a contact that a restored backup shows unmerged gets a patient of its own', async () => {
    const { other, masterId } = await mergedIntoUnknown();
    await it.sync([it.event(other.contactId), it.event(masterId)]);
    await moved(other, masterId);
    const readContacts = async (ids: readonly string[]) =>
      new Map(
        [...(await it.readContacts(ids))].map(([id, read]) => [
          id,
          read.kind === 'found' ? { ...read, mergedInto: null } : read,
        ]),
      );
    await it.sync([it.event(other.contactId)], { overrides: { readContacts } });
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
      [...(await it.readContacts(ids))].map(([id, read]) => [
        id,
        read.kind === 'found' ? { ...read, version: '1', mergedInto: null } : read,
      ]),
    );
  await it.sync([it.event(other.contactId)], { overrides: { readContacts } });
  expect(it.recorded).toContain('VersionRegressions');
  expect(it.lines).toContainEqual(expect.objectContaining({ code: 'CO-007' }));
  await it.sweep();
  expect(await it.shown(master.contactId)).toMatchObject({ email: true, status: 'Active' });
});
