import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runConsentCommand } from '../../infra/local/consent/command.ts';
import { type Stack, startStack } from '../../infra/local/stack.ts';
import { PATIENCE_MS } from './running-stack.ts';

let stateDirectory: string;
let stack: Stack;
let patientId: string;
let contactId: string;

/** Runs a command line against the stack of this file, or the one whose file is named. */
async function consent(line: string, stackFile = join(stateDirectory, 'stack.json')) {
  const said: string[] = [];
  const complaints: string[] = [];
  const status = await runConsentCommand(line.split(' '), {
    stackFile,
    say: (text) => said.push(text),
    complain: (text) => complaints.push(text),
  });
  return { status, said: said.join('\n'), complaints: complaints.join('\n') };
}

async function consentJson(line: string) {
  const { status, said, complaints } = await consent(`${line} --json`);
  expect({ status, complaints }).toEqual({ status: 0, complaints: '' });
  return JSON.parse(said);
}

beforeAll(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'consent-command-'));
  stack = await startStack({ port: 0, stateDirectory, environment: {} });
  const response = await fetch(`${stack.details.dataverseControlUrl}/contacts`, {
    method: 'POST',
    body: JSON.stringify({ firstname: 'Ada', lastname: 'Fictitious' }),
  });
  ({ contactid: contactId } = (await response.json()) as { contactid: string });
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const { patients } = await consentJson('list');
    if (patients[0]?.contactId === contactId) {
      ({ patientId } = patients[0]);
      break;
    }
    if (performance.now() > deadline) throw new Error('the contact has become no patient');
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
});
afterAll(async () => {
  await stack?.stop();
  await rm(stateDirectory, { recursive: true, force: true });
});

describe('against the running stack', () => {
  test('a patient is granted, granted, revoked and revoked, and Dynamics shows each', async () => {
    const email = await consentJson(`grant --patient ${patientId} --channel email`);
    expect(email).toMatchObject({
      action: 'grant',
      channel: 'email',
      patientId,
      contactId,
      event: 'published',
      shown: true,
      latencyMs: expect.any(Number),
      after: {
        ch_marketing_email: true,
        ch_marketing_sms: false,
        ch_consent_date: expect.any(String),
        ch_consent_expires: null,
        consentStatus: 'Active',
      },
    });
    expect(email.before.ch_marketing_email).not.toBe(true);

    const sms = await consentJson(`grant --patient ${contactId} --channel sms --expires 2d`);
    expect(sms.before).toEqual(email.after);
    expect(sms.after).toMatchObject({
      ch_marketing_email: true,
      ch_marketing_sms: true,
      ch_consent_expires: expect.any(String),
      consentStatus: 'Active',
    });

    const off = await consentJson(`revoke --patient ${patientId} --channel email`);
    expect(off.consentId).toBe(email.consentId);
    expect(off.after).toMatchObject({ ch_marketing_email: false, consentStatus: 'Partial' });

    const { status, said } = await consent(`revoke --patient ${patientId} --channel sms`);
    expect(status).toBe(0);
    expect(said).toMatch(/^Revoked sms for patient .*\nCommitted, then published\.\nContact /);
    expect(said).toMatch(/ch_marketing_sms +true +false$/m);
    expect(said).toMatch(/ch_consent_status +Partial \(\d+\) +None \(\d+\)$/m);
  });

  test('what cannot be done is said, with status 1, and nothing is committed', async () => {
    const nothing = await consent(`revoke --patient ${patientId} --channel mail`);
    expect(nothing).toMatchObject({
      status: 1,
      said: '',
      complaints: expect.stringMatching(/^Nothing to revoke: .* no active consent by mail$/),
    });
    const unknown = await consent(`grant --patient ${crypto.randomUUID()} --channel mail`);
    expect(unknown).toMatchObject({
      status: 1,
      complaints: expect.stringContaining('npm run consent -- list'),
    });
  });

  test('a patient without a contact is granted, and nobody waits for Dynamics', async () => {
    const client = new Client({ connectionString: stack.details.databaseUrl });
    await client.connect();
    try {
      const { rows } = await client.query<{ id: string }>(
        `insert into patients (organization_id, first_name) values ($1, 'Grace') returning id`,
        [stack.details.organizationId],
      );
      const outcome = await consentJson(`grant --patient ${rows[0]?.id} --channel mail --no-event`);
      expect(outcome).toMatchObject({ contactId: null, event: 'not-published', shown: false });
      const text = await consent('list');
      expect(text.said).toContain(`${rows[0]?.id}  not linked`);
    } finally {
      await client.end();
    }
  });

  test('a change that Dynamics does not show in time ends with status 1', async () => {
    const late = await consent(
      `grant --patient ${patientId} --channel phone --no-event --timeout 1`,
    );
    expect(late).toMatchObject({ status: 1, complaints: '' });
    expect(late.said).toContain('not published: the sweep finds it');
    expect(late.said).toContain('Dynamics does not show it yet');
    expect(late.said).toMatch(/ch_marketing_phone +false +false$/m);
  });
});

describe('without a stack', () => {
  test('it says how to start one', async () => {
    const { status, complaints } = await consent('list', join(stateDirectory, 'nowhere.json'));
    expect({ status, complaints }).toEqual({
      status: 1,
      complaints: 'No stack is running. Start one in another terminal: npm start',
    });
  });

  test('a stack file that a killed stack has left is told apart', async () => {
    const left = join(stateDirectory, 'left.json');
    await cp(join(stateDirectory, 'stack.json'), left);
    await stack.stop();
    const { status, complaints } = await consent('list', left);
    expect([status, complaints]).toEqual([
      1,
      'The stack does not answer any more. Start it again: npm start',
    ]);
  });
});

describe('as a process', () => {
  const main = fileURLToPath(new URL('../../infra/local/consent/main.ts', import.meta.url));
  const run = promisify(execFile);

  test('helps', async () => {
    const { stdout } = await run(process.execPath, [main, '--help']);
    expect(stdout).toContain('npm run consent -- grant');
  });

  test('refuses an option that it does not know', async () => {
    const failure = run(process.execPath, [main, 'list', '--colour']);
    await expect(failure).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining("Unknown option '--colour'"),
    });
  });
});
