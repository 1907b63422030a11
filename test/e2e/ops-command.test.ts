import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runOpsCommand } from '../../infra/ops/command.ts';
import { type RunningStack, startRunningStack } from './running-stack.ts';

let it: RunningStack;

beforeAll(async () => {
  it = await startRunningStack();
});
afterAll(() => it?.close());

async function ops(line: string) {
  const said: string[] = [];
  const complaints: string[] = [];
  const status = await runOpsCommand([...line.split(' '), '--local'], {
    environment: {},
    stackFile: `${it.stateDirectory}/stack.json`,
    userName: 'grace',
    // Nobody forges signatures meanwhile, so no container has to be waited for.
    wait: () => new Promise((resolve) => setImmediate(resolve)),
    say: (text) => said.push(text),
    complain: (text) => complaints.push(text),
  });
  return { status, said: said.join('\n'), complaints: complaints.join('\n') };
}

async function opsJson(line: string) {
  const { status, said, complaints } = await ops(`${line} --json`);
  expect({ status, complaints }).toEqual({ status: 0, complaints: '' });
  return JSON.parse(said);
}

const patientOf = async (contactId: string): Promise<string | undefined> => {
  const text = 'select patient_id from dynamics_contacts where contact_id = $1';
  return (await it.sql<{ patient_id: string }>(text, [contactId]))[0]?.patient_id;
};

const present = (value: unknown): boolean => value !== null && value !== undefined;

/** The status when all is well. The first answers of a slow machine miss the deadline of a status. */
async function connectedStatus() {
  const { said } = await it.until(
    () => ops('status --json'),
    ({ status }) => status === 0,
  );
  return JSON.parse(said);
}

test('the status is that of the API, with the depths of the queues', async () => {
  const status = await connectedStatus();
  const asked = await it.until(
    async () => (await (await it.ask('GET', 'status')).json()) as Record<string, unknown>,
    (answer) => answer['status'] === 'connected',
  );
  const { checkedAt: _at, latencyMs: _ms, ...lasting } = asked;
  expect(status).toMatchObject(lasting);
  expect(status).toMatchObject({ status: 'connected', problems: [] });
  expect(status.queues).toEqual(
    ['contact-events', 'consent-events'].map((queue) => ({
      queue,
      waiting: 0,
      delayed: 0,
      inFlight: 0,
      deadLetters: 0,
    })),
  );
  const text = await ops('status');
  expect(text.said).toMatch(/^Connection: connected, as of 2\S+Z\nOrganisation: \S/);
});

test('a poisoned message: dead letter with its reason, shown, mended, sent back, applied', async () => {
  const [organization] = await it.sql<{ id: string; dynamics_org_id: string }>(
    'select id, dynamics_org_id from organizations where dynamics_org_id is not null',
  );
  await it.sql('update organizations set dynamics_org_id = null');
  const contactId = await it.create({ firstname: 'Ada', lastname: 'Fictitious' });
  await it.until(
    () => it.messagesIn(it.details.contactDeadLetterQueueUrl),
    (count) => count === 1,
  );
  // A container remembers its answer for three seconds.
  await it.until(
    async () => (await ops('status')).status,
    (status) => status === 1,
  );

  const {
    deadLetters: [letter],
  } = await opsJson('dead-letters list');
  expect(letter).toMatchObject({ queue: 'contact-events', reason: 'unknown_organization' });
  const shown = await opsJson(`dead-letters show ${letter.id}`);
  expect(JSON.parse(shown.body)).toMatchObject({ contactId, type: 'contact.created' });
  expect(shown.remedy).toMatch(/^add the organisation/);
  expect(await patientOf(contactId)).toBeUndefined();

  await it.sql('update organizations set dynamics_org_id = $2 where id = $1', [
    organization?.id,
    organization?.dynamics_org_id,
  ]);
  expect(await opsJson('dead-letters redrive --yes')).toEqual({
    action: 'redrive',
    asked: [letter.id],
    taken: [letter.id],
    unseen: 0,
  });
  await it.until(() => patientOf(contactId), present);
  expect(await it.messagesIn(it.details.contactDeadLetterQueueUrl)).toBe(0);
  const records = await it.sql<{ outcome: string }>(
    `select outcome from audit_logs
     where action = 'operator_command' and new_values ->> 'command' = 'dead-letters redrive'
     order by "timestamp"`,
  );
  expect(records.map(({ outcome }) => outcome)).toEqual(['begun', 'done']);
});

test('a replay reads and writes one contact again, without the clock', async () => {
  const contactId = await it.create({ firstname: 'Lin', lastname: 'Fictitious' });
  const patientId = await it.until(() => patientOf(contactId), present);
  type Written = { written: { marketingEmail: boolean } | null };
  const written = async () =>
    (
      await it.sql<Written>('select written from dynamics_contacts where contact_id = $1', [
        contactId,
      ])
    )[0]?.written ?? undefined;
  await it.sql(
    `insert into consents (organization_id, patient_id, consent_type, status, granted_at)
     values ($1, $2, 'marketing_email', 'active', now())`,
    [it.details.organizationId, patientId],
  );
  expect(await opsJson(`replay --patient ${patientId}`)).toEqual({
    contacts: [{ contactId, patientId }],
    rung: true,
  });
  await it.until(written, (now) => now.marketingEmail);

  // As if the webhook had got lost, and somebody had edited a consent.
  await it.control('PUT', '/delivery', { hold: true });
  await it.control('PATCH', `/contacts/${contactId}`, {
    firstname: 'Linda',
    ch_marketing_email: false,
  });
  await opsJson(`replay --contact ${contactId}`);
  type Name = { first_name: string };
  const name = async () =>
    (await it.sql<Name>('select first_name from patients where id = $1', [patientId]))[0]
      ?.first_name;
  await it.until(name, (now) => now === 'Linda');
  await it.until(
    async () => (await it.rowsOf(`contacts?$filter=contactid eq ${contactId}`))[0],
    (row) => String(row['ch_marketing_email']) === 'true',
  );
  await it.control('PUT', '/delivery', {});

  const nobody = await ops(`replay --contact ${crypto.randomUUID()}`);
  expect(nobody).toMatchObject({ status: 1, complaints: expect.stringMatching(/^No contact/) });
});

// Before hundreds of rows are due, which the sweep would ring for first.
test('the audit trail is sealed by the sweep, exported with its proofs, and verified', async () => {
  const contactId = await it.create({ firstname: 'Mary', lastname: 'Fictitious' });
  const patientId = await it.until(() => patientOf(contactId), present);
  await it.invoke('sweep');
  const trail = await opsJson(`audit export --patient ${patientId}`);
  expect(trail.entries[0]).toMatchObject({ action: 'patient_created', proof: 'sealed' });
  expect(trail.proven).toBe(true);
  const verified = await opsJson('audit verify');
  expect(verified).toMatchObject({ findings: [], head: { number: verified.seals } });

  await it.sql(`do $$ begin
    alter table audit_logs disable trigger user;
    update audit_logs set outcome = 'refused' where id = '${trail.entries[0].auditId}';
    alter table audit_logs enable trigger user;
  end $$`);
  const { number, chain } = verified.head;
  const found = await ops(`audit verify --head ${number}:${chain}`);
  expect([found.status, found.said]).toEqual([
    1,
    expect.stringMatching(new RegExp(`^altered: audit row ${trail.entries[0].auditId} `)),
  ]);
});

test('paused, two hundred webhooks, resumed: all are applied', async () => {
  const paused = await opsJson('pause --yes');
  expect(paused.switches).toEqual([
    { name: 'contact-events', kind: 'mapping', on: false },
    { name: 'consent-events', kind: 'mapping', on: false },
    { name: 'sweep', kind: 'schedule', on: false },
    { name: 'reconcile-contacts', kind: 'schedule', on: false },
  ]);
  const names = Array.from({ length: 200 }, (_, index) => `Paused ${index}`);
  const applied = async () => {
    const text = "select count(*)::int as count from patients where last_name like 'Paused %'";
    return (await it.sql<{ count: number }>(text))[0]?.count;
  };
  await Promise.all(names.map((lastname) => it.create({ firstname: 'Ada', lastname })));
  await it.until(
    () => it.messagesIn(it.details.contactQueueUrl),
    (count) => count === 200,
  );
  // All of the webhooks were taken.
  const failed = (await it.control<{ failed: number }>('GET', '/deliveries')).failed;
  expect(failed).toBe(0);
  const status = await ops('status');
  expect(status.status).toBe(1);
  expect(status.said).toMatch(
    /^PAUSED: consumers and schedules are turned off since \d{4}-\S+Z, by grace\.\nOn again: /,
  );
  expect(await applied()).toBe(0);

  const resumed = await ops('resume');
  expect(resumed).toMatchObject({ status: 0, complaints: '' });
  expect(resumed.said).toMatch(/^Resumed\.\n(?:\d+ in the queues\n)+Caught up\./);
  expect(await applied()).toBe(200);
  expect((await opsJson('resume')).left).toBe(0);
  const { switches, pause } = await connectedStatus();
  expect(switches.every(({ on }: { on: boolean }) => on)).toBe(true);
  expect(pause).toBeNull();
});

test('under load the secret is rotated, no webhook is refused, and the old one can be ended', async () => {
  const configured = async (): Promise<string> => {
    const [row] = await it.rowsOf('sdkmessageprocessingstepsecureconfigs?$select=secureconfig');
    return (JSON.parse(String(row?.['secureconfig'])) as { secret: string }).secret;
  };
  expect(await configured()).toBe(it.details.webhookSecret);
  const over = new AbortController();
  let made = 0;
  const load = async (): Promise<void> => {
    while (!over.signal.aborted) {
      made += 1;
      await it.create({ firstname: 'Ada', lastname: `Rotated ${made}` });
    }
  };
  const rotation = ops('rotate-webhook-secret --yes').finally(() => over.abort());
  await Promise.all([load(), load(), load(), load()]);
  const { status, said, complaints } = await rotation;
  expect({ status, complaints }).toEqual({ status: 0, complaints: '' });
  expect(said).toMatch(/^The new secret is stored[^]*Dynamics signs with the new secret\.\n/);
  const secret = await configured();
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  expect(said).not.toContain(secret);
  // Signed with the new one.
  await it.create({ firstname: 'Ada', lastname: `Rotated ${(made += 1)}` });

  type Deliveries = { pending: number; failed: number };
  const deliveries = () => it.control<Deliveries>('GET', '/deliveries');
  await it.until(deliveries, ({ pending }) => pending === 0);
  expect((await deliveries()).failed).toBe(0);
  const applied = async () =>
    (
      await it.sql<{ count: number }>(
        "select count(*)::int as count from patients where last_name like 'Rotated %'",
      )
    )[0]?.count;
  await it.until(applied, (count) => count === made);

  expect(await opsJson('rotate-webhook-secret --retire --yes')).toEqual({ retired: true });
  expect(await opsJson('rotate-webhook-secret --retire --yes')).toEqual({ retired: false });
});

describe('as a process', () => {
  const run = promisify(execFile);
  const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const command = ['--import', path('infra/sql-modules.ts'), path('infra/ops/main.ts')];

  test('helps', async () => {
    const { stdout } = await run(process.execPath, [...command, '--help']);
    expect(stdout).toContain('npm run ops -- <command>');
  });

  test('goes on if nobody reads what it says', async () => {
    const running = run(process.execPath, [...command, '--help']);
    running.child.stdout?.destroy();
    await expect(running).resolves.toMatchObject({ stderr: '' });
  });

  test('ends with its status and names what it lacks', async () => {
    const failure = run(process.execPath, [...command, 'status'], { env: {} });
    await expect(failure).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^Missing: DATABASE_URL/),
    });
  });
});
