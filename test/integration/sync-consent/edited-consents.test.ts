/** Whoever edits our fields in Dynamics gets the truth back, and nobody is told of an edit that was none. */
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

let counter = 900;
/** A contact that shows what its patient has granted. */
async function granted() {
  const { contactId, patientId } = await it.linked((counter += 1));
  await it.decide(patientId, 'email', 'granted');
  await it.syncConsent([it.consentEvent(patientId, undefined)]);
  expect(await it.shown(contactId)).toMatchObject({ email: true, status: 'Active' });
  return { contactId, patientId };
}
const edit = (contactId: string, columns: object) =>
  it.dynamics.control('PATCH', `/contacts/${contactId}`, columns);
const drifts = async (contactId: string) =>
  it.sql(
    `select new_values -> 'driftedFields' as fields, outcome from audit_logs
     where new_values ->> 'contactId' = $1 and new_values ? 'driftedFields'`,
    [contactId],
  );

test('fields edited in Dynamics are written back', { tags: ['fault-31'] }, async () => {
  const { contactId } = await granted();
  await edit(contactId, { ch_marketing_email: false, ch_consent_date: null });
  await it.sync([it.event(contactId)]);

  expect(await drifts(contactId)).toEqual([
    { fields: ['marketingEmail', 'consentDate'], outcome: 'applied' },
  ]);
  expect(it.recorded).toContain('ConsentDrift');
  expect(it.lines).toContainEqual(
    expect.objectContaining({ code: 'CO-005', fields: ['marketingEmail', 'consentDate'] }),
  );
  await it.sweep();
  expect(await it.shown(contactId)).toMatchObject({ email: true, status: 'Active' });

  it.recorded.length = 0;
  await it.sync([it.event(contactId)]);
  expect(it.recorded).not.toContain('ConsentDrift');
});

test('of a batch only the contact that was edited is due', { tags: ['fault-31'] }, async () => {
  const [edited, untouched] = [await granted(), await granted()];
  await edit(edited.contactId, { ch_marketing_sms: true });
  await it.sync([it.event(edited.contactId), it.event(untouched.contactId)]);
  expect(await it.row(edited.contactId)).toMatchObject({ written: false });
  expect(await it.row(untouched.contactId)).toMatchObject({ written: true, write_due_at: null });
  await it.sweep();
  expect(await it.shown(edited.contactId)).toMatchObject({ email: true, sms: false });
});

test('the time of our last write is nobody’s business', async () => {
  const { contactId } = await granted();
  await edit(contactId, { ch_last_sync: '2026-01-01T00:00:00Z' });
  await it.sync([it.event(contactId)]);
  expect(await drifts(contactId)).toEqual([]);
});

test('what a writer wrote between the reads of row and contact is no edit', async () => {
  const { contactId, patientId } = await granted();
  await it.decide(patientId, 'email', 'revoked');
  let written = false;
  const readContacts = async (ids: readonly string[]) => {
    if (!written) await it.syncConsent([it.consentEvent(patientId, undefined)]);
    written = true;
    return it.readContacts(ids);
  };
  const event = it.event(contactId);
  expect(await it.sync([event], { overrides: { readContacts } })).toEqual([{ kind: 'done' }]);
  expect(await drifts(contactId)).toEqual([]);
  expect(await it.row(contactId)).toMatchObject({ written: true, write_due_at: null });
});

test('an edit that is read while the write before it is not settled is found later', {
  tags: ['fault-31'],
}, async () => {
  const { contactId, patientId } = await granted();
  await it.decide(patientId, 'email', 'revoked');
  let edited = false;
  const dataverse = {
    ...it.dependencies.dataverse,
    updateContact: async (...args: Parameters<typeof it.dependencies.dataverse.updateContact>) => {
      const answer = await it.dependencies.dataverse.updateContact(...args);
      if (!edited) {
        edited = true;
        await edit(contactId, { ch_marketing_email: true });
        await it.sync([it.event(contactId)]);
      }
      return answer;
    },
  };
  await it.syncConsent([it.consentEvent(patientId, undefined)], { overrides: { dataverse } });
  expect(await it.shown(contactId)).toMatchObject({ email: true });
  await it.pass('10 seconds');
  await it.sweep();
  await it.sweep();
  expect(await it.shown(contactId)).toMatchObject({ email: false, status: 'None' });
});
