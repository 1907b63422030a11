import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { executionContext, signatureOf } from '../support/execution-context.ts';
import { PATIENCE_MS, type RunningStack, startRunningStack } from './running-stack.ts';

let it: RunningStack;
beforeAll(async () => {
  it = await startRunningStack();
});
afterAll(() => it?.close());

const webhook = (contactId: string, overrides: Record<string, unknown> = {}) =>
  JSON.stringify(
    executionContext({
      PrimaryEntityId: contactId,
      OrganizationId: it.details.dataverseOrganizationId,
      OperationId: crypto.randomUUID(),
      ...overrides,
    }),
  );

interface State {
  linked: boolean;
  deleted: boolean;
  first_name: string | null;
  email: string | null;
  dynamics_contact_id: string | null;
  audits: string[];
}

async function state(contactId: string): Promise<State | undefined> {
  const rows = await it.sql<State & Record<string, unknown>>(
    `select c.patient_id is not null as linked, c.deleted_at is not null as deleted,
       p.first_name, p.email, p.dynamics_contact_id,
       array(select a.outcome from audit_logs a
         where a.new_values ->> 'contactId' = c.contact_id::text order by a."timestamp") as audits
     from dynamics_contacts c
     left join patients p on p.id = coalesce(c.patient_id, c.former_patient_id)
     where c.contact_id = $1`,
    [contactId],
  );
  return rows[0];
}

const until = (contactId: string, says: (now: State) => boolean) =>
  it.until(() => state(contactId), says);

const patientCount = async () =>
  Number((await it.sql<{ n: number }>('select count(*)::int as n from patients'))[0]?.n);

describe('the running stack', () => {
  test('takes a contact through its life: created, changed, deleted, late update, restored', async () => {
    const id = await it.create({
      firstname: 'Ada',
      lastname: 'Fictitious',
      emailaddress1: 'ada@example.test',
      telephone1: '+1 555 0100',
    });
    const created = await until(id, ({ linked }) => linked);
    expect(created).toEqual({
      linked: true,
      deleted: false,
      first_name: 'Ada',
      email: 'ada@example.test',
      dynamics_contact_id: id,
      audits: ['applied'],
    });

    await it.control('PATCH', `/contacts/${id}`, { firstname: 'Augusta' });
    await until(id, ({ first_name: name }) => name === 'Augusta');

    await it.control('DELETE', `/contacts/${id}`);
    const deleted = await until(id, (now) => now.deleted);
    expect(deleted).toMatchObject({ linked: false, dynamics_contact_id: null });

    const late = await it.post(webhook(id, { MessageName: 'Update' }));
    expect(late.status).toBe(200);
    const after = await until(id, ({ audits }) => audits.includes('superseded'));
    expect(after).toMatchObject({ deleted: true, linked: false });

    await it.control('POST', `/contacts/${id}/restore`);
    const restored = await until(id, (now) => !now.deleted);
    expect(restored).toMatchObject({ linked: true, dynamics_contact_id: id });
    expect(restored.audits).toEqual(['applied', 'applied', 'unlinked', 'superseded', 'restored']);
  });

  test('adds nothing when the same webhook is posted again', { tags: ['fault-3'] }, async () => {
    await it.control('PUT', '/delivery', { hold: true });
    const id = await it.create({ firstname: 'Grace', lastname: 'Fictitious' });
    const body = webhook(id);
    const first = await it.post(body);
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(await first.json()).toMatchObject({ status: 'accepted' });
    await until(id, ({ linked }) => linked);
    const patients = await patientCount();

    expect((await it.post(body)).status).toBe(200);
    // Another event of the contact, after it: when this one is done, so is the one before.
    expect((await it.post(webhook(id, { MessageName: 'Update' }))).status).toBe(200);
    const now = await until(id, ({ audits }) => audits.length === 2);
    expect(now.audits).toEqual(['applied', 'unchanged']);
    expect(await patientCount()).toBe(patients);
    // What was held is on the queue before the next test counts what is there.
    await it.control('POST', '/delivery/flush');
    await it.control('PUT', '/delivery', {});
  });

  test('answers 401 to a body of which one byte was changed, and leaves no trace', {
    tags: ['fault-23'],
  }, async () => {
    const id = crypto.randomUUID();
    const body = webhook(id);
    const altered = body.replace('"Depth":1', '"Depth":2');
    await it.until(
      () => it.messagesIn(it.details.contactQueueUrl),
      (count) => count === 0,
    );
    const response = await it.post(altered, {
      'x-dynamics-signature': signatureOf(body, it.details.webhookSecret),
    });
    expect([response.status, await response.json()]).toEqual([401, { error: 'unauthorized' }]);
    expect(await it.messagesIn(it.details.contactQueueUrl)).toBe(0);
    expect(await state(id)).toBeUndefined();
  });

  test('answers 401 to a request without a signature', async () => {
    const url = `${it.details.apiUrl}/api/dynamics/webhook`;
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401);
  });

  test.each([
    ['that is too large', 413, ' '.repeat(1_048_577)],
    ['that is no JSON', 400, 'no json'],
    ['about an account', 200, JSON.stringify(executionContext({ PrimaryEntityName: 'account' }))],
  ])('answers to a signed request %s with %i', async (_, status, body) => {
    expect((await it.post(body)).status).toBe(status);
  });

  test('takes a body that API Gateway delivers base64-encoded', {
    tags: ['fault-23'],
  }, async () => {
    const body = webhook(crypto.randomUUID());
    const response = await it.post(body, { 'content-type': 'application/octet-stream' });
    expect(response.status).toBe(200);
  });

  test('answers 404 to what it does not know', async () => {
    const response = await fetch(`${it.details.apiUrl}/api/dynamics/other`, { method: 'POST' });
    expect([response.status, await response.json()]).toEqual([404, { message: 'Not Found' }]);
  });

  test('moves what it cannot understand to the dead letters, with its reason', {
    tags: ['fault-13'],
  }, async () => {
    const before = await it.messagesIn(it.details.contactDeadLetterQueueUrl);
    const foreign = webhook(crypto.randomUUID(), { OrganizationId: crypto.randomUUID() });
    expect((await it.post(foreign)).status).toBe(200);
    await expect
      .poll(() => it.messagesIn(it.details.contactDeadLetterQueueUrl), { timeout: PATIENCE_MS })
      .toBe(before + 1);
  });

  test('agrees with Dynamics after two hundred contacts at once, in any order, some of them twice', {
    tags: ['fault-1', 'fault-2', 'fault-4'],
  }, async () => {
    await it.control('PUT', '/delivery', { hold: true, shuffle: { seed: 7 }, duplicate: 0.2 });
    const ids = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        it.create({
          firstname: `First${n}`,
          lastname: `Fictitious${n}`,
          emailaddress1: `person${n}@example.test`,
        }),
      ),
    );
    for (const [n, id] of ids.entries()) {
      if (n % 10 === 3) await it.control('PATCH', `/contacts/${id}`, { firstname: `Changed${n}` });
      if (n % 10 === 7) await it.control('DELETE', `/contacts/${id}`);
    }
    await it.control('POST', '/delivery/flush');
    const deliveries = await it.control<{ failed: number; deliveries: { state: string }[] }>(
      'GET',
      '/deliveries',
    );
    expect(deliveries.failed).toBe(0);
    await it.control('PUT', '/delivery', {});
    await expect
      .poll(() => it.messagesIn(it.details.contactQueueUrl), { timeout: 60_000, interval: 100 })
      .toBe(0);

    const dynamics = await it.control<{ contacts: Record<string, string | null>[] }>(
      'GET',
      '/contacts',
    );
    const columns = ['contactid', 'firstname', 'lastname', 'emailaddress1'];
    const expected = dynamics.contacts
      .map((one) => columns.map((column) => String(one[column] ?? null)).join(' '))
      .toSorted();
    const rows = await it.sql<{ line: string }>(
      `select concat_ws(' ', c.contact_id, coalesce(p.first_name, 'null'),
         coalesce(p.last_name, 'null'), coalesce(p.email, 'null')) as line
       from dynamics_contacts c join patients p on p.id = c.patient_id`,
    );
    expect(rows.map(({ line }) => line).toSorted()).toEqual(expected);
    const orphans = await it.sql<{ n: number }>(
      `select count(*)::int as n from patients p where p.dynamics_contact_id is not null
       and not exists (select 1 from dynamics_contacts c where c.patient_id = p.id)`,
    );
    expect(orphans[0]?.n).toBe(0);
    const twice = await it.sql<{ n: number }>(
      'select count(*)::int as n from (select event_id from audit_logs group by 1 having count(*) > 1) d',
    );
    expect(twice[0]?.n).toBe(0);
  });

  test('lets nobody change the audit trail', async () => {
    await expect(it.sql("update audit_logs set outcome = 'forged'")).rejects.toThrow(/append-only/);
  });

  test('measures the latency of every event as an embedded metric', async () => {
    const log = await readFile(join(it.stack.logDirectory, 'sync-contact.log'), 'utf8');
    const latencies = log
      .split('\n')
      .filter((line) => line.includes('"SyncLatency"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(latencies.length).toBeGreaterThan(200);
    expect(latencies[0]).toMatchObject({
      direction: 'inbound',
      SyncLatency: expect.any(Number),
      _aws: { CloudWatchMetrics: [{ Namespace: 'ConsentHubDynamics' }] },
    });
  });

  test('has put nothing about a person and no credential into a log or onto a queue', async () => {
    const read = async (directory: string) => {
      const names = await readdir(directory);
      const files = await Promise.all(
        names.map((name) => readFile(join(directory, name), 'latin1')),
      );
      return files.join('\n');
    };
    const logs = await read(it.stack.logDirectory);
    const queues = await read(join(it.stateDirectory, 'queues'));
    // What is looked for would be found: the ids of the same events are there.
    expect(logs).toContain('webhook accepted');
    expect(queues).toContain('contact.created');
    const { webhookSecret, clientSecret, redisRestToken, secretAccessKey } = it.details;
    const secrets = [webhookSecret, clientSecret, redisRestToken, 'eyJ', 'postgres://'];
    expect(secretAccessKey).toBeTruthy();
    for (const text of [logs, queues]) {
      expect(text).not.toMatch(/Fictitious|Augusta|Grace|First\d|Changed\d|example\.test|555 0100/);
      for (const secret of secrets) expect(text.includes(secret)).toBe(false);
    }
  });
});
