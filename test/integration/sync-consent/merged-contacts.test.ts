/** The most restrictive state of two patients holds while their contacts are merged and they are not. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
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
  expect(it.recorded).toContain('MergedPatients');
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

test('a master that nobody knows yet is read', { tags: ['fault-33'] }, async () => {
  const other = await linked();
  await it.decide(other.patientId, 'email', 'revoked');
  await ring(other.patientId);
  const masterId = await it.dynamics.createContact({ firstname: 'Ada', lastname: 'Unknown' });
  await merge(other.contactId, masterId);
  await it.sync([it.event(other.contactId)]);
  await it.sweep();
  await it.sweep();
  expect(await it.state(masterId)).toMatchObject({ linked: true });
  expect(await it.shown(masterId)).toMatchObject({ email: false, status: 'None' });
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
