import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DataverseForbidden } from '../../../shared/dataverse/errors.ts';
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

describe('the clock', () => {
  test('brings a consent that was never published to Dynamics', {
    tags: ['fault-24'],
  }, async () => {
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
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    const consentId = await it.decide(patientId, 'email', 'granted', { expires });
    await it.syncConsent([it.consentEvent(patientId, consentId)]);
    expect(await it.shown(contactId)).toMatchObject({ email: true, status: 'Active' });
    // Two hours later: moved by hand, and silently, because time makes no transaction.
    await it.sql(
      `with own as materialized (select set_config('consenthub_dynamics.own_write', 'on', true))
       update consents set expires_at = expires_at - interval '2 hours' from own where id = $1`,
      [consentId],
    );
    await it.pass('2 hours');
    expect((await it.sweep()).rangFor(patientId)).toBe(1);
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
    // Of the person only which fields: the second write told nothing of the consents.
    expect(await it.told(contactId)).toEqual([
      expect.objectContaining({ consentStatus: 'None' }),
      null,
    ]);
    await it.sync([it.event(contactId)]);
    await it.syncConsent([changed(patientId)]);
    await it.pass('1 hour');
    expect((await it.sweep()).rangFor(patientId)).toBe(0);
    expect(await it.writes(contactId)).toEqual(writes);
  });

  test('changed on both sides: Dynamics wins, the patient is corrected, and it is on record', {
    tags: ['fault-34'],
  }, async () => {
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

  test('are written only over what was read: an edit in between is merged first', {
    tags: ['fault-34', 'fault-16'],
  }, async () => {
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

  test('that the application user may not write (column security) do not hold back the consents', async () => {
    const { contactId, patientId } = await linked();
    await it.sql("update patients set phone = '3' where id = $1", [patientId]);
    const consentId = await it.decide(patientId, 'email', 'revoked');
    const dataverse: typeof it.dependencies.dataverse = {
      ...it.dependencies.dataverse,
      updateContact: async (id, columns, options) => {
        if ('telephone1' in columns) throw new DataverseForbidden('0x80040220');
        return await it.dependencies.dataverse.updateContact(id, columns, options);
      },
    };
    await it.syncConsent([it.consentEvent(patientId, consentId)], { overrides: { dataverse } });
    expect(await it.shown(contactId)).toMatchObject({ email: false });
    expect((await it.writes(contactId)).map((write) => write['outcome']).toSorted()).toEqual([
      'applied',
      'refused',
    ]);
    expect(await it.row(contactId)).toMatchObject({ write_due_at: expect.any(Date), attempts: 0 });
  });
});
