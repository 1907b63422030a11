import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSyncConsent, type SyncConsentFixture } from './fixture.ts';

let it: SyncConsentFixture;
beforeAll(async () => {
  it = await startSyncConsent();
});
afterAll(() => it?.close());
beforeEach(async () => {
  await it.dynamics.control('DELETE', '/faults');
});

let counter = 0;
const DONE = { kind: 'done' };
const TOGETHER = 'UpdateMultipleContacts';
const ALONE = 'UpdateContact';

/** Linked contacts, each with a consent that Dynamics does not show yet, and its event. */
async function undelivered(count: number) {
  const contacts = [];
  for (let n = 0; n < count; n += 1) {
    const { contactId, patientId } = await it.linked((counter += 1));
    const consentId = await it.decide(patientId, 'email', 'granted');
    contacts.push({ contactId, patientId, event: it.consentEvent(patientId, consentId) });
  }
  await it.dynamics.control('DELETE', '/requests');
  return contacts;
}

/** Writes that reached Dynamics since the contacts were made, by operation. */
async function writes() {
  const counts = (await (await it.dynamics.control('GET', '/requests')).json()) as {
    operations: Record<string, number>;
  };
  const { [TOGETHER]: together = 0, [ALONE]: alone = 0 } = counts.operations;
  return { together, alone };
}

describe('the contacts of a batch', () => {
  test('are written in one request, and each has its own row of audit', async () => {
    const contacts = await undelivered(5);
    expect(await it.syncConsent(contacts.map(({ event }) => event))).toEqual(
      contacts.map(() => DONE),
    );
    expect(await writes()).toEqual({ together: 1, alone: 0 });
    for (const { contactId } of contacts) {
      expect(await it.shown(contactId)).toMatchObject({ email: true, status: 'Active' });
      expect(await it.writes(contactId)).toEqual([{ outcome: 'applied', events: 1 }]);
      expect(await it.row(contactId)).toMatchObject({ written: true, doubt_until: null });
    }
  });

  test('are written although one of them was deleted, which does not come back', async () => {
    const contacts = await undelivered(3);
    const [gone, ...others] = contacts;
    const goneId = String(gone?.contactId);
    await it.dynamics.control('DELETE', `/contacts/${goneId}`);
    expect(await it.syncConsent(contacts.map(({ event }) => event))).toEqual([DONE, DONE, DONE]);
    expect(await writes()).toEqual({ together: 1, alone: 3 });
    for (const { contactId } of others) {
      expect(await it.shown(contactId)).toMatchObject({ email: true });
    }
    expect(await it.state(goneId)).toMatchObject({ deleted: true, linked: false });
    expect((await it.dynamics.api(`contacts(${goneId})`)).status).toBe(404);
  });

  test('do not wait for one that has a name to write as well, or nothing', async () => {
    const contacts = await undelivered(4);
    const [renamed, shown, ...others] = contacts;
    await it.sql('update patients set last_name = $2 where id = $1', [
      renamed?.patientId,
      'Renamed',
    ]);
    await it.syncConsent([shown?.event ?? {}]);
    await it.dynamics.control('DELETE', '/requests');
    expect(await it.syncConsent(contacts.map(({ event }) => event))).toEqual(
      contacts.map(() => DONE),
    );
    expect(await writes()).toEqual({ together: 1, alone: 1 });
    for (const { contactId } of [...others, ...(renamed ? [renamed] : [])]) {
      expect(await it.shown(contactId)).toMatchObject({ email: true });
    }
  });

  test.each(['reset', 'hang', 'half'])(
    'are all in doubt after a %s, and then written one by one',
    async (mode) => {
      const contacts = await undelivered(3);
      const events = contacts.map(({ event }) => event);
      await it.dynamics.control('PUT', '/faults', { mode, paths: ['contacts/Microsoft'] });
      for (const settled of await it.syncConsent(events)) {
        expect(settled).toMatchObject({ kind: 'retry' });
      }
      expect(await writes()).toEqual({ together: 1, alone: 0 });
      for (const { contactId } of contacts) {
        expect(await it.row(contactId)).toMatchObject({
          written: false,
          doubt_until: expect.any(Date),
          lease_token: null,
          attempts: 1,
        });
        expect(await it.writes(contactId)).toEqual([{ outcome: 'unknown', events: 1 }]);
      }

      // The fault goes on: whatever makes the request fail must not hold up the others again.
      expect(await it.syncConsent(events, { receiveCount: 2 })).toEqual(contacts.map(() => DONE));
      expect(await writes()).toEqual({ together: 1, alone: 3 });
      for (const { contactId } of contacts) {
        expect(await it.shown(contactId)).toMatchObject({ email: true });
        // What was in doubt is written once more when it can land no longer.
        expect(await it.row(contactId)).toMatchObject({ doubt_until: expect.any(Date) });
      }
    },
  );

  test('are handed on alike when Dynamics is throttled', async () => {
    const contacts = await undelivered(2);
    await it.dynamics.control('PUT', '/faults', { mode: 'throttled', retryAfterSeconds: 3 });
    const settled = await it.syncConsent(
      contacts.map(({ event }) => event),
      {
        overrides: {
          connectedOrganizationId: async () => it.dynamics.dataverse.organizationId,
          consentColumns: async () => ({ ch_marketing_email: true }),
        },
      },
    );
    const retry = { kind: 'retry', afterSeconds: 3, cause: 'message' };
    expect(settled).toEqual([retry, retry]);
    expect(await writes()).toEqual({ together: 1, alone: 0 });
    for (const { contactId } of contacts) {
      expect(await it.row(contactId)).toMatchObject({ doubt_until: null, lease_token: null });
    }
  });
});
