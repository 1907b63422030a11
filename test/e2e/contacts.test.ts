import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../../infra/local/stack.ts';
import { executionContext, signatureOf } from '../support/execution-context.ts';

/** Far more than the five seconds that are promised: the machine of a test is shared and slow. */
const PATIENCE_MS = 30_000;

let stateDirectory: string;
let stack: Stack;
let pool: Pool;
let sqs: SQSClient;

beforeAll(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'consenthub-e2e-'));
  stack = await startStack({ port: 0, stateDirectory, environment: {} });
  pool = new Pool({ connectionString: stack.details.databaseUrl });
  pool.on('error', () => {});
  const { region, accessKeyId, secretAccessKey, sqsEndpoint } = stack.details;
  sqs = new SQSClient({
    region,
    endpoint: sqsEndpoint,
    credentials: { accessKeyId, secretAccessKey },
  });
});
afterAll(async () => {
  await pool?.end();
  sqs?.destroy();
  await stack?.stop();
  await rm(stateDirectory, { recursive: true, force: true });
});

async function control<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${stack.details.dataverseControlUrl}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

const create = async (values: object) =>
  (await control<{ contactid: string }>('POST', '/contacts', values)).contactid;

/** A signed webhook, posted as `curl` and `openssl` would. */
const post = (body: string, headers?: Record<string, string>) =>
  fetch(`${stack.details.apiUrl}/api/dynamics/webhook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-dynamics-signature': signatureOf(body, stack.details.webhookSecret),
      ...headers,
    },
    body,
  });

const webhook = (contactId: string, overrides: Record<string, unknown> = {}) =>
  JSON.stringify(
    executionContext({
      PrimaryEntityId: contactId,
      OrganizationId: stack.details.dataverseOrganizationId,
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
  const { rows } = await pool.query<State>(
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

/** Polls until the database says so: the system is several processes, and nobody tells when it is done. */
async function until(contactId: string, says: (now: State) => boolean): Promise<State> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const now = await state(contactId);
    if (now !== undefined && says(now)) return now;
    if (performance.now() > deadline) {
      throw new Error(`the database still says ${JSON.stringify(now)}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

async function messagesIn(queueUrl: string): Promise<number> {
  const answer = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  );
  return Object.values(answer.Attributes ?? {}).reduce((sum, count) => sum + Number(count), 0);
}

const patientCount = async () =>
  Number((await pool.query('select count(*)::int as n from patients')).rows[0]?.n);

describe('the running stack', () => {
  test('takes a contact through its life: created, changed, deleted, late update, restored', async () => {
    const id = await create({
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

    await control('PATCH', `/contacts/${id}`, { firstname: 'Augusta' });
    await until(id, ({ first_name: name }) => name === 'Augusta');

    await control('DELETE', `/contacts/${id}`);
    const deleted = await until(id, (now) => now.deleted);
    expect(deleted).toMatchObject({ linked: false, dynamics_contact_id: null });

    const late = await post(webhook(id, { MessageName: 'Update' }));
    expect(late.status).toBe(200);
    const after = await until(id, ({ audits }) => audits.includes('superseded'));
    expect(after).toMatchObject({ deleted: true, linked: false });

    await control('POST', `/contacts/${id}/restore`);
    const restored = await until(id, (now) => !now.deleted);
    expect(restored).toMatchObject({ linked: true, dynamics_contact_id: id });
    expect(restored.audits).toEqual(['applied', 'applied', 'unlinked', 'superseded', 'restored']);
  });

  test('adds nothing when the same webhook is posted again', async () => {
    await control('PUT', '/delivery', { hold: true });
    const id = await create({ firstname: 'Grace', lastname: 'Fictitious' });
    const body = webhook(id);
    const first = await post(body);
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(await first.json()).toMatchObject({ status: 'accepted' });
    await until(id, ({ linked }) => linked);
    const patients = await patientCount();

    expect((await post(body)).status).toBe(200);
    // Another event of the contact, after it: when this one is done, so is the one before.
    expect((await post(webhook(id, { MessageName: 'Update' }))).status).toBe(200);
    const now = await until(id, ({ audits }) => audits.length === 2);
    expect(now.audits).toEqual(['applied', 'unchanged']);
    expect(await patientCount()).toBe(patients);
    await control('PUT', '/delivery', {});
  });

  test('answers 401 to a body of which one byte was changed, and leaves no trace', async () => {
    const id = crypto.randomUUID();
    const body = webhook(id);
    const altered = body.replace('"Depth":1', '"Depth":2');
    const response = await post(altered, {
      'x-dynamics-signature': signatureOf(body, stack.details.webhookSecret),
    });
    expect([response.status, await response.json()]).toEqual([401, { error: 'unauthorized' }]);
    expect(await messagesIn(stack.details.contactQueueUrl)).toBe(0);
    expect(await state(id)).toBeUndefined();
  });

  test('answers 401 to a request without a signature', async () => {
    const url = `${stack.details.apiUrl}/api/dynamics/webhook`;
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401);
  });

  test.each([
    ['that is too large', 413, ' '.repeat(1_048_577)],
    ['that is no JSON', 400, 'no json'],
    ['about an account', 200, JSON.stringify(executionContext({ PrimaryEntityName: 'account' }))],
  ])('answers to a signed request %s with %i', async (_, status, body) => {
    expect((await post(body)).status).toBe(status);
  });

  test('takes a body that API Gateway delivers base64-encoded', async () => {
    const body = webhook(crypto.randomUUID());
    const response = await post(body, { 'content-type': 'application/octet-stream' });
    expect(response.status).toBe(200);
  });

  test('answers 404 to what it does not know', async () => {
    const response = await fetch(`${stack.details.apiUrl}/api/dynamics/other`, { method: 'POST' });
    expect([response.status, await response.json()]).toEqual([404, { message: 'Not Found' }]);
  });

  test('moves what it cannot understand to the dead letters, with its reason', async () => {
    const before = await messagesIn(stack.details.contactDeadLetterQueueUrl);
    const foreign = webhook(crypto.randomUUID(), { OrganizationId: crypto.randomUUID() });
    expect((await post(foreign)).status).toBe(200);
    await expect
      .poll(() => messagesIn(stack.details.contactDeadLetterQueueUrl), { timeout: PATIENCE_MS })
      .toBe(before + 1);
  });

  test('agrees with Dynamics after two hundred contacts at once, in any order, some of them twice', async () => {
    await control('PUT', '/delivery', { hold: true, shuffle: { seed: 7 }, duplicate: 0.2 });
    const ids = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        create({
          firstname: `First${n}`,
          lastname: `Fictitious${n}`,
          emailaddress1: `person${n}@example.test`,
        }),
      ),
    );
    for (const [n, id] of ids.entries()) {
      if (n % 10 === 3) await control('PATCH', `/contacts/${id}`, { firstname: `Changed${n}` });
      if (n % 10 === 7) await control('DELETE', `/contacts/${id}`);
    }
    await control('POST', '/delivery/flush');
    const deliveries = await control<{ failed: number; deliveries: { state: string }[] }>(
      'GET',
      '/deliveries',
    );
    expect(deliveries.failed).toBe(0);
    await control('PUT', '/delivery', {});
    await expect
      .poll(() => messagesIn(stack.details.contactQueueUrl), { timeout: 60_000, interval: 100 })
      .toBe(0);

    const dynamics = await control<{ contacts: Record<string, string | null>[] }>(
      'GET',
      '/contacts',
    );
    const columns = ['contactid', 'firstname', 'lastname', 'emailaddress1'];
    const expected = dynamics.contacts
      .map((one) => columns.map((column) => String(one[column] ?? null)).join(' '))
      .toSorted();
    const { rows } = await pool.query<{ line: string }>(
      `select concat_ws(' ', c.contact_id, coalesce(p.first_name, 'null'),
         coalesce(p.last_name, 'null'), coalesce(p.email, 'null')) as line
       from dynamics_contacts c join patients p on p.id = c.patient_id`,
    );
    expect(rows.map(({ line }) => line).toSorted()).toEqual(expected);
    const orphans = await pool.query(
      `select count(*)::int as n from patients p where p.dynamics_contact_id is not null
       and not exists (select 1 from dynamics_contacts c where c.patient_id = p.id)`,
    );
    expect(orphans.rows[0]?.n).toBe(0);
    const twice = await pool.query(
      'select count(*)::int as n from (select event_id from audit_logs group by 1 having count(*) > 1) d',
    );
    expect(twice.rows[0]?.n).toBe(0);
  });

  test('lets nobody change the audit trail', async () => {
    await expect(pool.query("update audit_logs set outcome = 'forged'")).rejects.toThrow(
      /append-only/,
    );
  });

  test('measures the latency of every event as an embedded metric', async () => {
    const log = await readFile(join(stack.logDirectory, 'sync-contact.log'), 'utf8');
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
    const logs = await read(stack.logDirectory);
    const queues = await read(join(stateDirectory, 'queues'));
    // What is looked for would be found: the ids of the same events are there.
    expect(logs).toContain('webhook accepted');
    expect(queues).toContain('contact.created');
    const { webhookSecret, clientSecret, redisRestToken, secretAccessKey } = stack.details;
    const secrets = [webhookSecret, clientSecret, redisRestToken, 'eyJ', 'postgres://'];
    expect(secretAccessKey).toBeTruthy();
    for (const text of [logs, queues]) {
      expect(text).not.toMatch(/Fictitious|Augusta|Grace|First\d|Changed\d|example\.test|555 0100/);
      for (const secret of secrets) expect(text.includes(secret)).toBe(false);
    }
  });
});
