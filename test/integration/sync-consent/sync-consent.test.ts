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

  test('revoked and granted at the same instant is revoked', async () => {
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

  test('event ten times: one audit row for it and one write', async () => {
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

describe('what must not happen', () => {
  test('poison: with its reason, and the others of the batch are applied', async () => {
    const { contactId, patientId } = await linked();
    const other = await linked();
    const consentId = await it.decide(patientId, 'email', 'granted');
    const good = it.consentEvent(patientId, consentId);
    const unknown = '0c000000-0000-4000-8000-000000000003';
    const settled = await it.syncConsent([
      { ...good, type: 'consent.exploded' },
      { ...good, consentId: undefined },
      { ...good, organizationId: unknown },
      { ...good, patientId: other.patientId },
      { ...good, patientId: unknown },
      { ...good, consentId: unknown },
      good,
    ]);
    const retry = { kind: 'retry', afterSeconds: 1, cause: 'message' };
    expect(settled).toEqual([
      { kind: 'poison', reason: 'unknown_type' },
      { kind: 'poison', reason: 'malformed' },
      { kind: 'poison', reason: 'foreign_patient' },
      { kind: 'poison', reason: 'foreign_consent' },
      retry,
      retry,
      DONE,
    ]);
    expect(await it.shown(contactId)).toMatchObject({ email: true });
    expect(
      await it.syncConsent(
        [
          { ...good, patientId: unknown },
          { ...good, consentId: unknown },
        ],
        {
          receiveCount: 7,
        },
      ),
    ).toEqual([
      { kind: 'poison', reason: 'unknown_patient' },
      { kind: 'poison', reason: 'unknown_consent' },
    ]);
  });

  test('a revocation committed while the grant is written, and never published, is written too', async () => {
    const { contactId, patientId } = await linked();
    const granted = await it.decide(patientId, 'email', 'granted');
    let writes = 0;
    const dataverse = {
      ...it.dependencies.dataverse,
      updateContact: async (
        ...args: Parameters<typeof it.dependencies.dataverse.updateContact>
      ) => {
        writes += 1;
        if (writes === 1) await it.decide(patientId, 'email', 'revoked');
        return it.dependencies.dataverse.updateContact(...args);
      },
    };
    await it.syncConsent([it.consentEvent(patientId, granted)], { overrides: { dataverse } });
    expect(writes).toBe(2);
    expect(await it.shown(contactId)).toMatchObject({ email: false, status: 'None' });
    expect(
      await it.sql(
        'select distinct dynamics_sync_status as s from consents where patient_id = $1',
        [patientId],
      ),
    ).toEqual([{ s: 'synced' }]);
  });

  test('a state that comes back while it is written is written again, not taken for known', async () => {
    const { contactId, patientId } = await linked();
    const first = await it.decide(patientId, 'email', 'revoked', { at: '2026-11-01T00:00:00Z' });
    await it.syncConsent([it.consentEvent(patientId, first)]);
    const granted = await it.decide(patientId, 'email', 'granted', { at: '2026-11-02T00:00:00Z' });
    let writes = 0;
    const dataverse = {
      ...it.dependencies.dataverse,
      updateContact: async (
        ...args: Parameters<typeof it.dependencies.dataverse.updateContact>
      ) => {
        writes += 1;
        // Back to what the row still says was written.
        if (writes === 1)
          await it.decide(patientId, 'email', 'revoked', { at: '2026-11-03T00:00:00Z' });
        return it.dependencies.dataverse.updateContact(...args);
      },
    };
    await it.syncConsent([it.consentEvent(patientId, granted)], { overrides: { dataverse } });
    expect(await it.shown(contactId)).toMatchObject({ email: false, status: 'None' });
  });

  test('a crash after the write is resolved by writing again, although the state has come back', async () => {
    const { contactId, patientId } = await linked();
    await it.syncConsent([it.consentEvent(patientId, undefined)]);
    await it.decide(patientId, 'email', 'granted', { at: '2026-11-02T00:00:00Z' });
    const store = {
      ...it.dependencies.store,
      settle: async () => {
        throw new Error('killed');
      },
    };
    await expect(
      it.syncConsent([it.consentEvent(patientId, undefined)], { overrides: { store } }),
    ).rejects.toThrow('killed');
    expect(await it.shown(contactId)).toMatchObject({ email: true });
    await it.decide(patientId, 'email', 'revoked', { at: '2026-11-03T00:00:00Z' });
    await it.pass('4 minutes');
    await it.sweep();
    expect(await it.shown(contactId)).toMatchObject({ email: false, status: 'None' });
    expect(await it.row(contactId)).toMatchObject({
      doubt_until: null,
      lease_token: null,
      written: true,
    });
  });

  test('a write whose answer is lost leaves a doubt that ends with another write', async () => {
    const { contactId, patientId } = await linked();
    const consentId = await it.decide(patientId, 'email', 'granted');
    await it.dynamics.control('PUT', '/faults', { mode: 'half', paths: ['contacts('] });
    const event = it.consentEvent(patientId, consentId);
    expect(await it.syncConsent([event])).toEqual([
      { kind: 'retry', afterSeconds: 1, cause: 'message' },
    ]);
    expect(await it.row(contactId)).toMatchObject({
      written: false,
      lease_token: null,
      doubt_until: expect.any(Date),
    });
    await it.dynamics.control('DELETE', '/faults');
    expect(await it.syncConsent([event], { receiveCount: 2 })).toEqual([DONE]);
    // Applied, but an older write may still land: nothing is known before the doubt is over.
    expect(await it.row(contactId)).toMatchObject({
      written: false,
      doubt_until: expect.any(Date),
    });
    await it.pass('4 minutes');
    await it.sweep();
    expect(await it.row(contactId)).toMatchObject({ written: true, doubt_until: null });
    expect((await it.writes(contactId)).map((write) => write['outcome'])).toEqual([
      'unknown',
      'applied',
      'applied',
    ]);
  });

  test('an outage goes to the clock after a few tries, and everything arrives by itself', async () => {
    const { contactId, patientId } = await linked();
    const consentId = await it.decide(patientId, 'email', 'granted');
    await it.dynamics.control('PUT', '/faults', { mode: 'throttled', retryAfterSeconds: 30 });
    const event = it.consentEvent(patientId, consentId);
    expect(await it.syncConsent([event])).toEqual([DONE]);
    expect(await it.audit(event.eventId)).toMatchObject([{ outcome: 'unwritable' }]);
    expect(await it.row(contactId)).toMatchObject({ attempts: 1, lease_token: null });
    expect(await status(consentId)).toBe('pending');
    await it.dynamics.control('DELETE', '/faults');
    await it.pass('2 minutes');
    await it.sweep();
    expect(await it.shown(contactId)).toMatchObject({ email: true });
    expect(await status(consentId)).toBe('synced');
  });

  test('what Dynamics refuses is marked as failed and tried again later', async () => {
    const { contactId, patientId } = await linked();
    const consentId = await it.decide(patientId, 'email', 'granted');
    const consentColumns = async () => ({ ch_marketing_email: 'yes' });
    const overrides = { consentColumns };
    await it.syncConsent([it.consentEvent(patientId, consentId)], { overrides });
    expect(await status(consentId)).toBe('failed');
    expect(await it.writes(contactId)).toMatchObject([{ outcome: 'refused' }]);
    await it.pass('2 minutes');
    await it.sweep();
    expect(await status(consentId)).toBe('synced');
  });

  test('a contact deleted in Dynamics is not brought back, and becomes a tombstone', async () => {
    const { contactId, patientId } = await linked();
    const consentId = await it.decide(patientId, 'email', 'granted');
    await it.dynamics.control('DELETE', `/contacts/${contactId}`);
    const event = it.consentEvent(patientId, consentId);
    expect(await it.syncConsent([event])).toEqual([DONE]);
    expect(await it.state(contactId)).toMatchObject({ deleted: true, linked: false });
    expect(await it.audit(event.eventId)).toMatchObject([{ outcome: 'unlinked' }]);
    const gone = await it.dynamics.control('GET', `/contacts/${contactId}`);
    expect(gone.status).toBe(404);
    await it.sweep();
    expect(await it.row(contactId)).toMatchObject({ write_due_at: null });
  });

  test('a lease that somebody else holds is not taken; when it is over, it is', async () => {
    const { contactId, patientId } = await linked();
    const consentId = await it.decide(patientId, 'email', 'granted');
    const token = it.dependencies.newId();
    const lease = { organizationId: it.database.organizationId, contactId, token };
    await it.store.claim([lease]);
    const event = it.consentEvent(patientId, consentId);
    expect(await it.syncConsent([event])).toEqual([DONE]);
    expect(await it.audit(event.eventId)).toMatchObject([{ outcome: 'superseded' }]);
    expect(await it.writes(contactId)).toEqual([]);
    await it.pass('61 seconds');
    await it.sweep();
    expect(await it.shown(contactId)).toMatchObject({ email: true });
  });

  test('a holder that was overtaken settles nothing', async () => {
    const { contactId, patientId } = await linked();
    await it.decide(patientId, 'email', 'granted');
    const organizationId = it.database.organizationId;
    const lease = (token: string) => ({ organizationId, contactId, token });
    const [slow] = await it.store.claim([lease(it.dependencies.newId())]);
    await it.pass('61 seconds');
    const [fast] = await it.store.claim([lease(it.dependencies.newId())]);
    if (slow === undefined || fast === undefined) throw new Error('not claimed');
    const written = {
      marketingEmail: true,
      marketingSms: false,
      marketingPhone: false,
      marketingMail: false,
      consentDate: null,
      consentExpires: null,
      consentStatus: 'Active' as const,
    };
    const settling = (claim: typeof slow) => ({
      lease: claim.lease,
      revision: claim.stored.revision,
      written,
      seen: null,
      nextDueAt: null,
    });
    expect(await it.store.settle(settling(slow), [])).toBe('overtaken');
    expect(await it.row(contactId)).toMatchObject({
      lease_token: fast.lease.token,
      written: false,
    });
    expect(await it.store.settle(settling(fast), [])).toBe('settled');
    // The slow one's write may land after the fast one's: the doubt of the first claim is kept.
    expect(await it.row(contactId)).toMatchObject({
      written: false,
      doubt_until: expect.any(Date),
    });
  });

  test('a claim sees the consents of the revision that it returns', async () => {
    const { contactId, patientId } = await linked();
    const client = await it.database.pool.connect();
    await client.query('begin');
    await client.query(
      `insert into consents (organization_id, patient_id, consent_type, status, granted_at)
       select organization_id, id, 'marketing_email', 'active', now() from patients where id = $1`,
      [patientId],
    );
    // Waits for ConsentHub's transaction, which holds the row through the trigger.
    const claiming = it.store.claim([
      { organizationId: it.database.organizationId, contactId, token: it.dependencies.newId() },
    ]);
    await expect
      .poll(
        async () =>
          (await it.sql('select count(*)::int as n from pg_locks where not granted'))[0]?.['n'],
      )
      .toBeGreaterThan(0);
    await client.query('commit');
    client.release();
    const [claim] = await claiming;
    expect(claim?.consents).toHaveLength(1);
    expect(claim?.stored.revision).toBe(String((await it.row(contactId))?.['revision']));
  });
});

describe('the clock', () => {
  test('brings a consent that was never published to Dynamics', async () => {
    const { contactId, patientId } = await linked();
    await it.decide(patientId, 'email', 'granted');
    expect((await it.sweep()).rangFor(patientId)).toBe(0);
    await it.pass('31 seconds');
    expect((await it.sweep()).rangFor(patientId)).toBe(1);
    expect(await it.shown(contactId)).toMatchObject({ email: true });
    expect((await it.sweep()).rangFor(patientId)).toBe(0);
  });

  test('marks what has expired, and Dynamics says so', async () => {
    const { contactId, patientId } = await linked();
    const expires = new Date(Date.now() + 400).toISOString();
    const consentId = await it.decide(patientId, 'email', 'granted', { expires });
    await it.syncConsent([it.consentEvent(patientId, consentId)]);
    expect(await it.shown(contactId)).toMatchObject({ email: true, status: 'Active' });
    await expect.poll(async () => (await it.sweep()).rangFor(patientId)).toBeGreaterThan(0);
    expect(await it.shown(contactId)).toMatchObject({
      email: false,
      status: 'Expired',
      date: null,
    });
    const rows = await it.sql('select status from consents where id = $1', [consentId]);
    expect(rows).toEqual([{ status: 'expired' }]);
    const audit = await it.sql(
      "select source, outcome from audit_logs where consent_id = $1 and action = 'consent_expired'",
      [consentId],
    );
    expect(audit).toEqual([{ source: 'sweep', outcome: 'applied' }]);
  });
});

describe('name, email and phone', () => {
  const dynamicsSays = async (contactId: string) =>
    (await (await it.dynamics.control('GET', `/contacts/${contactId}`)).json()) as Record<
      string,
      unknown
    >;
  const changed = (patientId: string) =>
    it.consentEvent(patientId, undefined, { type: 'patient.updated' });

  test('changed in ConsentHub reach Dynamics, and then both are silent', async () => {
    const { contactId, patientId } = await linked();
    await it.syncConsent([it.consentEvent(patientId, undefined)]);
    await it.sql("update patients set email = 'new@example.test', phone = '1' where id = $1", [
      patientId,
    ]);
    await it.syncConsent([changed(patientId)]);
    expect(await dynamicsSays(contactId)).toMatchObject({
      emailaddress1: 'new@example.test',
      telephone1: '1',
      firstname: 'Ada',
    });
    const writes = await it.writes(contactId);
    expect(writes).toHaveLength(2);
    await it.sync([it.event(contactId)]);
    await it.syncConsent([changed(patientId)]);
    await it.pass('1 hour');
    expect((await it.sweep()).rangFor(patientId)).toBe(0);
    expect(await it.writes(contactId)).toEqual(writes);
  });

  test('changed on both sides: Dynamics wins, the patient is corrected, and it is on record', async () => {
    const { contactId, patientId } = await linked();
    await it.sql("update patients set email = 'host@example.test', phone = '2' where id = $1", [
      patientId,
    ]);
    await it.dynamics.control('PATCH', `/contacts/${contactId}`, {
      emailaddress1: 'dyn@example.test',
    });
    await it.syncConsent([changed(patientId)]);
    expect(await dynamicsSays(contactId)).toMatchObject({
      emailaddress1: 'dyn@example.test',
      telephone1: '2',
    });
    expect(await it.state(contactId)).toMatchObject({ email: 'dyn@example.test', phone: '2' });
    const [audit] = await it.sql(
      `select new_values -> 'conflicts' as conflicts from audit_logs
       where patient_id = $1 and action = 'patient_updated' and event_id is null`,
      [patientId],
    );
    expect(audit).toEqual({ conflicts: ['email'] });
  });

  test('are written only over what was read: an edit in between is merged first', async () => {
    const { contactId, patientId } = await linked();
    await it.sql("update patients set phone = '3' where id = $1", [patientId]);
    let reads = 0;
    const dataverse = {
      ...it.dependencies.dataverse,
      getContact: async (id: string) => {
        const answer = await it.dependencies.dataverse.getContact(id);
        reads += 1;
        if (reads === 1)
          await it.dynamics.control('PATCH', `/contacts/${id}`, { firstname: 'Eve' });
        return answer;
      },
    };
    await it.syncConsent([changed(patientId)], { overrides: { dataverse } });
    expect(await dynamicsSays(contactId)).toMatchObject({ firstname: 'Eve', telephone1: '3' });
    expect(await it.state(contactId)).toMatchObject({ first_name: 'Eve', phone: '3' });
  });

  test('that Dynamics refuses do not hold back the consents', async () => {
    const { contactId, patientId } = await linked();
    await it.sql('update patients set first_name = $2 where id = $1', [patientId, 'x'.repeat(60)]);
    const consentId = await it.decide(patientId, 'email', 'granted');
    await it.syncConsent([it.consentEvent(patientId, consentId)]);
    expect(await it.shown(contactId)).toMatchObject({ email: true });
    expect((await it.writes(contactId)).map((write) => write['outcome']).toSorted()).toEqual([
      'applied',
      'refused',
    ]);
    expect(await it.row(contactId)).toMatchObject({ write_due_at: expect.any(Date) });
  });
});

test('no log line, no audit row says anything of a person', async () => {
  const rows = await it.sql('select * from audit_logs');
  expect(rows.length).toBeGreaterThan(50);
  expect(JSON.stringify([it.lines, rows])).not.toMatch(/\bAda\b|Fictitious\d|example\.test/);
});
