import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PATIENCE_MS, type RunningStack, startRunningStack } from './running-stack.ts';

let it: RunningStack;
beforeAll(async () => {
  it = await startRunningStack();
});
afterAll(() => it?.close());

interface Person {
  readonly contactId: string;
  readonly patientId: string;
}

let counter = 0;
/** A contact of Dynamics and its patient, after the first write of the new link. */
async function person(): Promise<Person> {
  const contactId = await it.create({
    firstname: 'Ada',
    lastname: `Fictitious${(counter += 1)}`,
    emailaddress1: `ada${counter}@example.test`,
  });
  const { patient_id: patientId } = await it.until(
    async () =>
      (
        await it.sql<{ patient_id: string }>(
          'select patient_id from dynamics_contacts where contact_id = $1 and patient_id is not null',
          [contactId],
        )
      )[0],
    () => true,
  );
  return { contactId, patientId };
}

/** Commits a decision as ConsentHub does; resolves to the id of the row. */
async function decide(
  { patientId }: Person,
  type: string,
  status: 'active' | 'revoked' | 'pending',
  options: { at?: string; expires?: string } = {},
): Promise<string> {
  const [row] = await it.sql<{ id: string }>(
    `insert into consents (organization_id, patient_id, consent_type, status, granted_at, revoked_at,
       expires_at)
     select organization_id, id, $2, $3,
       case when $3 = 'active' then coalesce($4::timestamptz, now()) end,
       case when $3 = 'revoked' then coalesce($4::timestamptz, now()) end, $5::timestamptz
     from patients where id = $1 returning id`,
    [patientId, type, status, options.at ?? null, options.expires ?? null],
  );
  return String(row?.id);
}

const send = (message: object) => it.publish(message);

const event = ({ patientId }: Person, consentId: string, type = 'consent.granted') => ({
  version: 1,
  eventId: crypto.randomUUID(),
  type,
  organizationId: it.details.organizationId,
  patientId,
  consentId,
  occurredAt: new Date().toISOString(),
});

/** Commits a decision and rings. */
async function change(one: Person, type: string, status: 'active' | 'revoked', expires?: string) {
  const id = await decide(one, type, status, expires === undefined ? {} : { expires });
  await send(event(one, id, status === 'active' ? 'consent.granted' : 'consent.revoked'));
  return id;
}

interface Contact {
  ch_marketing_email: boolean | null;
  ch_marketing_sms: boolean | null;
  ch_consent_status: number | null;
  ch_consent_date: string | null;
  ch_consent_expires: string | null;
}

const shown = ({ contactId }: Person) => it.control<Contact>('GET', `/contacts/${contactId}`);
const until = (one: Person, says: (now: Contact) => boolean) => it.until(() => shown(one), says);
/** The values of this tenant's option set, as the simulated organisation made them up. */
const STATUS = {
  Active: 727_000_000,
  Partial: 727_000_001,
  Expired: 727_000_002,
  None: 727_000_003,
};

describe('the running stack', () => {
  test('shows grants, expiries and revocations in Dynamics', async () => {
    const ada = await person();
    await change(ada, 'marketing_email', 'active', '2050-01-01T00:00:00Z');
    expect(await until(ada, (now) => now.ch_marketing_email === true)).toMatchObject({
      ch_consent_status: STATUS.Active,
      ch_consent_expires: '2050-01-01T00:00:00Z',
      ch_consent_date: expect.any(String),
    });
    await change(ada, 'marketing_sms', 'active', '2049-01-01T00:00:00Z');
    expect(await until(ada, (now) => now.ch_marketing_sms === true)).toMatchObject({
      ch_consent_expires: '2049-01-01T00:00:00Z',
    });
    await change(ada, 'marketing_email', 'revoked');
    expect(await until(ada, (now) => now.ch_marketing_email === false)).toMatchObject({
      ch_consent_status: STATUS.Partial,
    });
    await change(ada, 'marketing_sms', 'revoked');
    expect(await until(ada, (now) => now.ch_marketing_sms === false)).toMatchObject({
      ch_consent_status: STATUS.None,
      ch_consent_date: null,
      ch_consent_expires: null,
    });
  });

  test('takes back what has expired with the next sweep, with nobody doing anything', async () => {
    const ada = await person();
    const expires = new Date(Date.now() + 1_500).toISOString();
    await change(ada, 'marketing_email', 'active', expires);
    await until(ada, (now) => now.ch_marketing_email === true);
    await it.until(
      async () => (await it.sql('select 1 where now() > $1::timestamptz', [expires]))[0],
      () => true,
    );
    await it.invoke('sweep');
    expect(await until(ada, (now) => now.ch_marketing_email === false)).toMatchObject({
      ch_consent_status: STATUS.Expired,
    });
  });

  test('brings what was never published with the sweep after the grace period', {
    tags: ['fault-24'],
  }, async () => {
    const ada = await person();
    await it.until(
      async () => {
        await it.invoke('sweep');
        return (
          await it.sql<{ settled: boolean }>(
            'select written is not null and write_due_at is null as settled from dynamics_contacts where contact_id = $1',
            [ada.contactId],
          )
        )[0];
      },
      ({ settled }) => settled,
    );
    await decide(ada, 'marketing_email', 'active');
    await it.sql(
      "update dynamics_contacts set write_due_at = write_due_at - interval '31 seconds' where contact_id = $1",
      [ada.contactId],
    );
    await it.invoke('sweep');
    await until(ada, (now) => now.ch_marketing_email === true);
  });

  test('ends revoked when the revocation comes while the grant hangs, and is never published', {
    tags: ['fault-6', 'fault-24'],
  }, async () => {
    const ada = await person();
    await it.control('PUT', '/faults', { mode: 'apply-late', line: 'hang', paths: ['contacts('] });
    await change(ada, 'marketing_email', 'active');
    await it.until(
      () => it.control<{ writes: number }>('GET', '/faults/held'),
      ({ writes }) => writes > 0,
    );
    await it.control('DELETE', '/faults');
    await decide(ada, 'marketing_email', 'revoked', {
      at: new Date(Date.now() + 1_000).toISOString(),
    });
    // The consumer gives up after five seconds and tries again, with what is true by then.
    const doubted = await it.until(
      async () =>
        (
          await it.sql<{ doubt: boolean; lease: boolean }>(
            `select doubt_until is not null as doubt, lease_token is not null as lease
             from dynamics_contacts where contact_id = $1`,
            [ada.contactId],
          )
        )[0],
      ({ lease, doubt }) => doubt && !lease,
    );
    expect(doubted).toEqual({ doubt: true, lease: false });
    await it.control('POST', '/faults/release');
    // The late grant has landed. Once nothing more can, the doubt ends and the truth is written.
    await it.sql(
      `update dynamics_contacts set doubt_until = now(), write_due_at = now() where contact_id = $1`,
      [ada.contactId],
    );
    await it.invoke('sweep');
    await until(
      ada,
      (now) => now.ch_marketing_email === false && now.ch_consent_status === STATUS.None,
    );
    const rows = await it.until(
      () =>
        it.sql<{ s: string }>(
          'select dynamics_sync_status as s from consents where patient_id = $1',
          [ada.patientId],
        ),
      (all) => all.every(({ s }) => s === 'synced'),
    );
    expect(rows).toHaveLength(2);
  });

  test('moves what it cannot understand to the dead letters, and applies the rest', {
    tags: ['fault-13'],
  }, async () => {
    const ada = await person();
    const id = await decide(ada, 'marketing_email', 'active');
    const good = event(ada, id);
    await Promise.all([
      send({ ...good, type: 'consent.exploded' }),
      send({ ...good, consentId: undefined }),
      send({ ...good, organizationId: crypto.randomUUID() }),
      send(good),
    ]);
    await until(ada, (now) => now.ch_marketing_email === true);
    await expect
      .poll(() => it.messagesIn(it.details.consentDeadLetterQueueUrl), { timeout: PATIENCE_MS })
      .toBe(3);
  });

  test('changes nothing for a treatment, a research or a pending consent', async () => {
    const ada = await person();
    await change(ada, 'marketing_email', 'active');
    await until(ada, (now) => now.ch_marketing_email === true);
    const before = await it.control<{ modifiedon: string }>('GET', `/contacts/${ada.contactId}`);
    const other = [
      event(ada, await decide(ada, 'treatment', 'active')),
      event(ada, await decide(ada, 'research', 'revoked')),
      event(ada, await decide(ada, 'marketing_sms', 'pending')),
    ];
    for (const one of other) await send(one);
    await it.until(
      () =>
        it.sql('select 1 from audit_logs where event_id = any($1)', [
          other.map((one) => one.eventId),
        ]),
      (rows) => rows.length === other.length,
    );
    expect(await it.control('GET', `/contacts/${ada.contactId}`)).toEqual(before);
  });

  test('knows its own writes when they come back as webhooks', { tags: ['fault-28'] }, async () => {
    const ada = await person();
    const webhooks = async () => {
      const { deliveries } = await it.control<{
        deliveries: { contactid: string; state: string; statuses: unknown[] }[];
      }>('GET', '/deliveries');
      return deliveries.filter((one) => one.contactid === ada.contactId);
    };
    await change(ada, 'marketing_email', 'active');
    await until(ada, (now) => now.ch_marketing_email === true);
    const fired = await it.until(
      webhooks,
      (all) => all.length > 1 && all.every(({ state }) => state === 'delivered'),
    );
    expect(fired.at(-1)).toMatchObject({ statuses: [200] });
    // Only the creation was an event: the echo was answered and went no further.
    const events = await it.sql(
      "select 1 from audit_logs where new_values ->> 'contactId' = $1 and source = 'webhook'",
      [ada.contactId],
    );
    expect(events).toHaveLength(1);
  });

  test('brings a changed phone number to Dynamics, and is silent afterwards', async () => {
    const ada = await person();
    await change(ada, 'marketing_email', 'active');
    await until(ada, (now) => now.ch_marketing_email === true);
    await it.sql("update patients set phone = '+1 555 0199' where id = $1", [ada.patientId]);
    await send({
      ...event(ada, ''),
      consentId: undefined,
      type: 'patient.updated',
    });
    const phone = await it.until(
      () => it.control<{ telephone1: string | null }>('GET', `/contacts/${ada.contactId}`),
      (now) => now.telephone1 === '+1 555 0199',
    );
    expect(phone.telephone1).toBe('+1 555 0199');
    await expect
      .poll(() => it.messagesIn(it.details.contactQueueUrl), { timeout: PATIENCE_MS })
      .toBe(0);
    const after = await it.control('GET', `/contacts/${ada.contactId}`);
    await it.invoke('sweep');
    await expect
      .poll(() => it.messagesIn(it.details.consentQueueUrl), { timeout: PATIENCE_MS })
      .toBe(0);
    expect(await it.control('GET', `/contacts/${ada.contactId}`)).toEqual(after);
  });
});
