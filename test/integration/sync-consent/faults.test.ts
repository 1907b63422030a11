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

describe('what must not happen', () => {
  test('poison: with its reason, and the others of the batch are applied', {
    tags: ['fault-13'],
  }, async () => {
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

  test('a revocation committed while the grant is written, and never published, is written too', {
    tags: ['fault-6', 'fault-24'],
  }, async () => {
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

  test('a state that comes back while it is written is written again, not taken for known', {
    tags: ['fault-6'],
  }, async () => {
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

  test('a crash after the write is resolved by writing again, although the state has come back', {
    tags: ['fault-10'],
  }, async () => {
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

  test('a write whose answer is lost leaves a doubt that ends with another write', {
    tags: ['fault-11'],
  }, async () => {
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
    // Also what may have been told.
    const granted = expect.objectContaining({ marketingEmail: true, marketingSms: false });
    expect(await it.told(contactId)).toEqual([granted, granted, granted]);
  });

  test('an outage goes to the clock after a few tries, and everything arrives by itself', {
    tags: ['fault-15'],
  }, async () => {
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

  test.each(['forbidden', 'unavailable'])(
    'what cannot be written for minutes is seen to be behind, though each try sets its clock forward: %s',
    async (mode) => {
      const { contactId, patientId } = await linked();
      const consentId = await it.decide(patientId, 'email', 'granted');
      await it.dynamics.control('PUT', '/faults', { mode });
      await it.syncConsent([it.consentEvent(patientId, consentId)]);
      for (let minute = 1; minute <= 10; minute += 1) {
        await it.pass('2 minutes');
        await it.sweep();
      }
      const { consents } = await it.syncStatus();
      expect(consents.due).toBeGreaterThanOrEqual(1);
      expect(consents.oldestSeconds).toBeGreaterThan(300);
      await it.dynamics.control('DELETE', '/faults');
      await it.pass('6 minutes');
      await it.sweep();
      expect(await it.shown(contactId)).toMatchObject({ email: true });
      expect((await it.syncStatus()).consents.oldestSeconds ?? 0).toBeLessThan(300);
    },
  );

  test('what Dynamics refuses is marked as failed and tried again later', async () => {
    const { contactId, patientId } = await linked();
    const consentId = await it.decide(patientId, 'email', 'granted');
    const consentColumns = async () => ({ ch_marketing_email: 'yes' });
    const overrides = { consentColumns };
    await it.syncConsent([it.consentEvent(patientId, consentId)], { overrides });
    expect(await status(consentId)).toBe('failed');
    expect(await it.writes(contactId)).toMatchObject([{ outcome: 'refused' }]);
    expect(await it.told(contactId)).toMatchObject([{ marketingEmail: true }]);
    await it.pass('2 minutes');
    await it.sweep();
    expect(await status(consentId)).toBe('synced');
  });

  test('a contact deleted in Dynamics is not brought back, and becomes a tombstone', {
    tags: ['fault-30'],
  }, async () => {
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

  test('a lease that somebody else holds is not taken; when it is over, it is', {
    tags: ['fault-12'],
  }, async () => {
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

  test('a holder that was overtaken settles nothing', { tags: ['fault-12'] }, async () => {
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
      forgetsPushed: true,
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

  test('a consent that is locked while it is written is marked later', async () => {
    const { contactId, patientId } = await linked();
    const consentId = await it.decide(patientId, 'email', 'granted');
    const host = await it.database.pool.connect();
    try {
      // Nothing that Dynamics shows changes, so no trigger will ask for another write.
      await host.query('begin');
      await host.query('update consents set updated_at = now() where id = $1', [consentId]);
      await it.syncConsent([it.consentEvent(patientId, consentId)]);
      await host.query('commit');
    } finally {
      host.release();
    }
    expect(await it.shown(contactId)).toMatchObject({ email: true });
    expect(await status(consentId)).toBe('pending');
    await it.pass('31 seconds');
    await it.sweep();
    expect(await status(consentId)).toBe('synced');
    expect(await it.writes(contactId)).toHaveLength(1);
  });

  test('the same contact of two organisations is claimed for each with its own patient', async () => {
    const { contactId, patientId } = await linked();
    const [copy] = await it.sql<{ organization_id: string; patient_id: string }>(
      `with copied as (
         insert into organizations (name, dynamics_org_id)
         values ('Fictitious Copy', gen_random_uuid()::text) returning id
       ), person as (
         insert into patients (organization_id) select id from copied returning id, organization_id
       )
       insert into dynamics_contacts (organization_id, contact_id, patient_id)
       select organization_id, $1, id from person returning organization_id, patient_id`,
      [contactId],
    );
    const leases = [it.database.organizationId, String(copy?.organization_id)].map(
      (organizationId) => ({ organizationId, contactId, token: it.dependencies.newId() }),
    );
    const claims = await it.store.claim(leases);
    const own = claims.map(({ lease, patient }) => [lease.organizationId, lease.token, patient.id]);
    expect(own.toSorted()).toEqual(
      [
        [leases[0]?.organizationId, leases[0]?.token, patientId],
        [leases[1]?.organizationId, leases[1]?.token, copy?.patient_id],
      ].toSorted(),
    );
  });

  test('a claim sees the consents of the revision that it returns', {
    tags: ['fault-6'],
  }, async () => {
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

test('no log line, no audit row says anything of a person', async () => {
  const rows = await it.sql('select * from audit_logs');
  expect(rows.length).toBeGreaterThan(20);
  expect(JSON.stringify([it.lines, rows])).not.toMatch(/\bAda\b|Fictitious\d|example\.test/);
});
