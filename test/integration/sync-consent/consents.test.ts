import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSyncConsent, type SyncConsentFixture } from './fixture.ts';

let it: SyncConsentFixture;
beforeAll(async () => {
  it = await startSyncConsent();
});
afterAll(() => it?.close());
beforeEach(async () => {
  await it.dynamics.control('DELETE', '/faults');
  it.lines.length = 0;
  it.recorded.length = 0;
});

let counter = 0;
const linked = () => it.linked((counter += 1));
const DONE = { kind: 'done' };
const status = async (consentId: string) =>
  (await it.sql('select dynamics_sync_status as s from consents where id = $1', [consentId]))[0]?.[
    's'
  ];

describe('a consent', () => {
  test('granted in ConsentHub shows in Dynamics, and is marked as synced', async () => {
    const { contactId, patientId } = await linked();
    const at = '2026-11-20T10:00:00.123Z';
    const consentId = await it.decide(patientId, 'email', 'granted', { at });
    expect(await status(consentId)).toBe('pending');
    const event = it.consentEvent(patientId, consentId);
    expect(await it.syncConsent([event])).toEqual([DONE]);
    expect(await it.shown(contactId)).toEqual({
      email: true,
      sms: false,
      status: 'Active',
      date: '2026-11-20T10:00:00Z',
      expires: null,
    });
    expect(await status(consentId)).toBe('synced');
    expect(await it.row(contactId)).toMatchObject({
      written: true,
      write_due_at: null,
      doubt_until: null,
      lease_token: null,
    });
    expect(await it.writes(contactId)).toEqual([{ outcome: 'applied', events: 1 }]);
    expect(await it.told(contactId)).toEqual([
      {
        marketingEmail: true,
        marketingSms: false,
        marketingPhone: false,
        marketingMail: false,
        consentDate: '2026-11-20T10:00:00Z',
        consentExpires: null,
        consentStatus: 'Active',
      },
    ]);
    expect(await it.audit(event.eventId)).toMatchObject([
      { action: 'consent_granted', outcome: 'applied', source: 'consenthub', sealed: true },
    ]);
    expect(it.recorded.some((one) => one.startsWith('SyncLatency{direction=outbound} '))).toBe(
      true,
    );
  });

  test('goes through grants with expiries, and revocations', async () => {
    const { contactId, patientId } = await linked();
    const sync = (consentId: string) => it.syncConsent([it.consentEvent(patientId, consentId)]);
    await sync(await it.decide(patientId, 'email', 'granted', { expires: '2050-01-01T00:00:00Z' }));
    await sync(await it.decide(patientId, 'sms', 'granted', { expires: '2049-01-01T00:00:00Z' }));
    expect(await it.shown(contactId)).toMatchObject({
      email: true,
      sms: true,
      status: 'Active',
      expires: '2049-01-01T00:00:00Z',
    });
    expect(await it.row(contactId)).toMatchObject({ write_due_at: new Date('2049-01-01') });
    await sync(await it.decide(patientId, 'email', 'revoked'));
    expect(await it.shown(contactId)).toMatchObject({ email: false, sms: true, status: 'Partial' });
    await sync(await it.decide(patientId, 'sms', 'revoked'));
    expect(await it.shown(contactId)).toEqual({
      email: false,
      sms: false,
      status: 'None',
      date: null,
      expires: null,
    });
  });

  test('that never expires says so, however ConsentHub writes that down', async () => {
    const { contactId, patientId } = await linked();
    const id = await it.decide(patientId, 'email', 'granted', { expires: 'infinity' });
    await it.syncConsent([it.consentEvent(patientId, id)]);
    expect(await it.shown(contactId)).toMatchObject({ email: true, expires: null });
  });

  test('of another kind, or pending, never changes a contact', async () => {
    const { contactId, patientId } = await linked();
    await it.syncConsent([it.consentEvent(patientId, undefined)]);
    const writes = await it.writes(contactId);
    const before = await it.row(contactId);
    for (const type of ['treatment', 'research', 'data_sharing', 'hipaa_authorization']) {
      const id = await it.decide(patientId, '', 'granted', { type });
      await it.syncConsent([it.consentEvent(patientId, id)]);
    }
    expect(await it.row(contactId)).toEqual(before);
    const pending = await it.decide(patientId, 'email', 'pending');
    await it.syncConsent([it.consentEvent(patientId, pending)]);
    expect(await it.writes(contactId)).toEqual(writes);
    expect(await it.shown(contactId)).toMatchObject({ email: false, status: 'None' });
  });

  test('revoked and granted at the same instant is revoked', { tags: ['fault-6'] }, async () => {
    const { contactId, patientId } = await linked();
    const at = '2026-11-20T10:00:00Z';
    const revoked = await it.decide(patientId, 'email', 'revoked', { at });
    const granted = await it.decide(patientId, 'email', 'granted', { at });
    await it.syncConsent([
      it.consentEvent(patientId, revoked, { type: 'consent.revoked' }),
      it.consentEvent(patientId, granted),
    ]);
    expect(await it.shown(contactId)).toMatchObject({ email: false, status: 'None' });
  });

  test('event ten times: one audit row for it and one write', { tags: ['fault-1'] }, async () => {
    const { contactId, patientId } = await linked();
    const consentId = await it.decide(patientId, 'email', 'granted');
    const event = it.consentEvent(patientId, consentId);
    await it.syncConsent(Array.from({ length: 5 }, () => event));
    await Promise.all(Array.from({ length: 5 }, () => it.syncConsent([event])));
    expect(await it.audit(event.eventId)).toHaveLength(1);
    expect(await it.writes(contactId)).toEqual([{ outcome: 'applied', events: 1 }]);
  });

  test('events of one patient in a batch are one write that names them all', async () => {
    const { contactId, patientId } = await linked();
    const ids = [
      await it.decide(patientId, 'email', 'granted'),
      await it.decide(patientId, 'sms', 'granted'),
    ];
    await it.syncConsent(ids.map((id) => it.consentEvent(patientId, id)));
    expect(await it.writes(contactId)).toEqual([{ outcome: 'applied', events: 2 }]);
    expect(await it.shown(contactId)).toMatchObject({ email: true, sms: true });
  });

  test('of a patient without a contact is skipped, and due at once when the link comes', async () => {
    const [patient] = await it.sql<{ id: string }>(
      `insert into patients (organization_id, first_name, last_name, email)
       values ($1, 'Lin', 'Fictitious900', 'lin@example.test') returning id`,
      [it.database.organizationId],
    );
    const patientId = String(patient?.id);
    const consentId = await it.decide(patientId, 'email', 'granted');
    const event = it.consentEvent(patientId, consentId);
    expect(await it.syncConsent([event])).toEqual([DONE]);
    expect(await it.audit(event.eventId)).toMatchObject([{ outcome: 'skipped' }]);

    const contactId = await it.dynamics.createContact({
      firstname: 'Lin',
      lastname: 'Fictitious900',
      emailaddress1: 'lin@example.test',
    });
    await it.sync([it.event(contactId, 'contact.created')]);
    await it.sweep();
    expect(await it.shown(contactId)).toMatchObject({ email: true, status: 'Active' });
  });
});

test('no log line, no audit row says anything of a person', async () => {
  const rows = await it.sql('select * from audit_logs');
  expect(rows.length).toBeGreaterThan(20);
  expect(JSON.stringify([it.lines, rows])).not.toMatch(/\bAda\b|Fictitious\d|example\.test/);
});
