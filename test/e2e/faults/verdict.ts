import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { runDynamicsCommand } from '../../../infra/dynamics/command.ts';
import type { RunningStack } from '../running-stack.ts';
import { expectedConsent } from './expected-consent.ts';
import { PERSONAL, type Person } from './person.ts';

/** What is wrong in the end, a sentence each, without personal data. Empty lists are what is wanted. */
export interface Verdict {
  /** What happened and has left nothing, or not all of it. */
  readonly lost: readonly string[];
  /** What was deleted and is there. */
  readonly resurrected: readonly string[];
  /** What went back to an older state. */
  readonly regressed: readonly string[];
  /** What happened once and has had its effect twice. */
  readonly duplicated: readonly string[];
  readonly deadLetters: number;
  /** What `npm run dynamics -- verify` says of contacts that do not agree. */
  readonly differing: readonly string[];
  /** Files that say something about a person. */
  readonly personalData: readonly string[];
}

export interface Judged {
  readonly people: readonly Person[];
  /** Events of accepted webhooks and published messages. */
  readonly eventIds: ReadonlySet<string>;
  /** What the observer saw meanwhile. */
  readonly regressed: readonly string[];
  readonly resurrected: readonly string[];
}

type Columns = Readonly<Record<string, unknown>> & { readonly contactid: string };

interface Row {
  readonly contact_id: string;
  readonly deleted: boolean;
  readonly patient_id: string | null;
  readonly firstname: string | null;
  readonly lastname: string | null;
  readonly emailaddress1: string | null;
  readonly telephone1: string | null;
}

const ROWS = `
  select c.contact_id::text as contact_id, c.deleted_at is not null as deleted,
    p.id::text as patient_id, p.first_name as firstname, p.last_name as lastname,
    p.email as emailaddress1, p.phone as telephone1
  from dynamics_contacts c
  left join patients p on p.id = c.patient_id`;

/** Holds both sides against what the workload remembers. */
export async function judge(it: RunningStack, judged: Judged): Promise<Verdict> {
  const lost: string[] = [];
  const resurrected = [...judged.resurrected];
  const duplicated: string[] = [];
  const { contacts } = await it.control<{ contacts: Columns[] }>('GET', '/contacts');
  const shown = new Map(contacts.map((contact) => [contact.contactid, contact]));
  const rows = new Map((await it.sql<Row>(ROWS)).map((row) => [row.contact_id, row]));
  const nowMs = Date.now();

  for (const person of judged.people) {
    const contact = shown.get(person.contactId);
    const row = rows.get(person.contactId);
    const says = `contact ${person.contactId} (person ${person.n})`;
    if (row === undefined) lost.push(`${says} has no row`);
    if (!person.alive) {
      if (contact !== undefined) resurrected.push(`${says} is in Dynamics again`);
      if (row?.deleted === false || row?.patient_id) resurrected.push(`${says} is still linked`);
      continue;
    }
    if (contact === undefined) {
      lost.push(`${says} is not in Dynamics any more`);
      continue;
    }
    for (const [name, value] of Object.entries(person.profile)) {
      if (contact[name] !== value) lost.push(`${name} of ${says} was changed in Dynamics`);
      if (row !== undefined && row[name as keyof Row] !== value) {
        lost.push(`${name} of the patient of ${says}`);
      }
    }
    if (row?.deleted === true) lost.push(`${says} counts as deleted`);
    const patientId = await person.patient.promise;
    if (row !== undefined && patientId !== undefined && row.patient_id !== patientId) {
      duplicated.push(`${says} has a second patient`);
    }
    for (const [name, value] of Object.entries(expectedConsent(person.decisions, nowMs))) {
      if (contact[name] !== value) {
        lost.push(`${name} of ${says} is ${String(contact[name])}, not ${String(value)}`);
      }
    }
  }

  duplicated.push(...(await findDuplicates(it)));
  lost.push(...(await findUnsynced(it)), ...(await findUnaudited(it, judged.eventIds)));
  const { contactDeadLetterQueueUrl, consentDeadLetterQueueUrl } = it.details;
  return {
    lost,
    resurrected,
    regressed: judged.regressed,
    duplicated,
    deadLetters:
      (await it.messagesIn(contactDeadLetterQueueUrl)) +
      (await it.messagesIn(consentDeadLetterQueueUrl)),
    differing: await findDiffering(it),
    personalData: await findPersonalData(it),
  };
}

const comparison = z.object({
  agreed: z.number(),
  inProgress: z.number(),
  unreadable: z.array(z.string()),
  differing: z.array(
    z.object({ contactId: z.string(), differences: z.array(z.object({ code: z.string() })) }),
  ),
});

/** As an administrator finds it: nothing is due any more, so nothing may be in progress either. */
async function findDiffering({ stateDirectory }: RunningStack): Promise<string[]> {
  const said: string[] = [];
  const complaints: string[] = [];
  await runDynamicsCommand(['verify', '--local', '--json'], {
    environment: {},
    stackFile: join(stateDirectory, 'stack.json'),
    say: (text) => said.push(text),
    complain: (text) => complaints.push(text),
  });
  const [text] = said;
  if (text === undefined) return complaints;
  const { agreed, inProgress, unreadable, differing } = comparison.parse(JSON.parse(text));
  if (agreed === 0) throw new Error('nothing was compared');
  return [
    ...differing.map(({ contactId, differences }) => {
      const codes = differences.map(({ code }) => code).join(', ');
      return `contact ${contactId}: ${codes}`;
    }),
    ...unreadable.map((contactId) => `contact ${contactId} was not shown`),
    ...(inProgress > 0 ? [`${inProgress} contacts are still in progress`] : []),
  ];
}

/** One patient for each person, one creation on record for each patient, one row for each event. */
async function findDuplicates(it: RunningStack): Promise<string[]> {
  const found = await it.sql<{ what: string }>(
    `select count(*) || ' patients of person ' || split_part(last_name, ' ', 2) as what
     from patients group by last_name having count(*) > 1
     union all
     select count(a.id) || ' creations on record of patient ' || p.id from patients p
     left join audit_logs a on a.patient_id = p.id and a.action = 'patient_created'
     group by p.id having count(a.id) <> 1
     union all
     select count(*) || ' audit rows of event ' || event_id from audit_logs
     where event_id is not null group by event_id having count(*) > 1
     union all
     select count(*) || ' contacts of patient ' || patient_id from dynamics_contacts
     where patient_id is not null group by patient_id having count(*) > 1`,
  );
  return found.map(({ what }) => what);
}

/** Consents of linked patients that nobody has marked as shown in Dynamics. */
async function findUnsynced(it: RunningStack): Promise<string[]> {
  const found = await it.sql<{ what: string }>(
    `select 'consent ' || k.id || ' is ' || k.dynamics_sync_status as what
     from consents k join dynamics_contacts c on c.patient_id = k.patient_id
     where k.dynamics_sync_status <> 'synced'`,
  );
  return found.map(({ what }) => what);
}

/** What was accepted is on record, whether it had an effect or was overtaken. */
async function findUnaudited(it: RunningStack, ids: ReadonlySet<string>): Promise<string[]> {
  const found = await it.sql<{ id: string }>(
    `select e.id from unnest($1::text[]) as e (id)
     where not exists (select 1 from audit_logs a where a.event_id = e.id)`,
    [[...ids]],
  );
  return found.map(({ id }) => `event ${id} has no audit row`);
}

/** Logs, queues and the audit trail hold ids and codes. */
async function findPersonalData(it: RunningStack): Promise<string[]> {
  const files = await Promise.all(
    [it.stack.logDirectory, join(it.stateDirectory, 'queues')].map(async (directory) => {
      const names = await readdir(directory);
      return names.map((name) => join(directory, name));
    }),
  );
  const texts = await Promise.all(
    files.flat().map(async (file) => ({ place: file, text: await readFile(file, 'latin1') })),
  );
  const audit = await it.sql<{ text: string }>('select a::text as text from audit_logs a');
  texts.push({ place: 'audit_logs', text: audit.map(({ text }) => text).join('\n') });
  // What is looked for would be found: the ids of the same events are there.
  if (!texts.some(({ place, text }) => place.endsWith('.log') && text.includes('contactId'))) {
    throw new Error('the logs do not say what they should');
  }
  return texts.flatMap(({ place, text }) => (PERSONAL.test(text) ? place : []));
}
