import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import * as z from 'zod';
import type { StackDetails } from '../stack-file.ts';

/** The way of one contact from the simulated Dynamics to a patient in ConsentHub. */
export interface Journey {
  readonly contactId: string;
  /** Status with which the webhook was answered, or why there was none; undefined if not yet sent. */
  readonly webhookStatus: number | string | undefined;
  /** Undefined if no patient appeared in time. */
  readonly patientId: string | undefined;
  /** From the contact's creation until its patient was seen in the database. */
  readonly latencyMs: number;
}

/** Nobody's names; 555-01xx are telephone numbers reserved for fiction. */
const PEOPLE = [
  { firstname: 'Avery', lastname: 'Example', telephone1: '+1 202 555 0101' },
  { firstname: 'Blake', lastname: 'Sample', telephone1: '+1 202 555 0102' },
  { firstname: 'Casey', lastname: 'Placeholder', telephone1: '+1 202 555 0103' },
];

/** Cold starts on a slow machine included. */
const JOURNEY_LIMIT_MS = 20_000;
const LOOK_EVERY_MS = 50;
/** A webhook that nobody answers is given up after a minute; nobody waits for that here. */
const ANSWER_LIMIT_MS = 5_000;

const created = z.object({ contactid: z.string() });
const deliveries = z.object({
  deliveries: z.array(
    z.object({ contactid: z.string(), statuses: z.array(z.union([z.number(), z.string()])) }),
  ),
});

/** Creates a few contacts in the simulated Dynamics and follows them until they are patients. */
export async function demonstrateContacts(
  details: StackDetails,
  controlUrl: string,
  signal: AbortSignal,
): Promise<Journey[]> {
  const startedAt = new Map<string, number>();
  await Promise.all(
    PEOPLE.map(async (person) => {
      const start = performance.now();
      startedAt.set(await createContact(controlUrl, person), start);
    }),
  );
  const patients = await awaitPatients(details, [...startedAt.keys()], signal);
  const statuses = await awaitAnswers(controlUrl, [...startedAt.keys()], signal);
  return [...startedAt].map(([contactId, start]) => {
    const patient = patients.get(contactId);
    return {
      contactId,
      webhookStatus: statuses.get(contactId),
      patientId: patient?.id,
      latencyMs: Math.round((patient?.seenAt ?? performance.now()) - start),
    };
  });
}

async function createContact(controlUrl: string, person: (typeof PEOPLE)[number]): Promise<string> {
  // A new address each time: otherwise the contact could be somebody known already.
  const tag = randomBytes(3).toString('hex');
  const emailaddress1 = `${person.firstname.toLowerCase()}.${tag}@example.com`;
  const response = await fetch(`${controlUrl}/contacts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...person, emailaddress1 }),
  });
  return created.parse(await response.json()).contactid;
}

/** How the webhooks were answered: a patient can be there before the simulated Dynamics has read the answer. */
async function awaitAnswers(
  controlUrl: string,
  contactIds: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, number | string>> {
  const until = performance.now() + ANSWER_LIMIT_MS;
  for (;;) {
    const response = await fetch(`${controlUrl}/deliveries`);
    const answers = new Map<string, number | string>();
    for (const { contactid, statuses } of deliveries.parse(await response.json()).deliveries) {
      const last = statuses.at(-1);
      if (last !== undefined && contactIds.includes(contactid)) answers.set(contactid, last);
    }
    if (answers.size === contactIds.length || performance.now() > until || signal.aborted) {
      return answers;
    }
    await delay(LOOK_EVERY_MS);
  }
}

async function awaitPatients(
  { databaseUrl, organizationId }: StackDetails,
  contactIds: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, { readonly id: string; readonly seenAt: number }>> {
  const patients = new Map<string, { id: string; seenAt: number }>();
  const until = performance.now() + JOURNEY_LIMIT_MS;
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    while (patients.size < contactIds.length && performance.now() < until && !signal.aborted) {
      const { rows } = await client.query<{ contact_id: string; patient_id: string }>(
        `select contact_id::text, patient_id::text from dynamics_contacts
         where organization_id = $1 and contact_id::text = any($2) and patient_id is not null`,
        [organizationId, contactIds],
      );
      for (const { contact_id: contactId, patient_id: id } of rows) {
        if (!patients.has(contactId)) patients.set(contactId, { id, seenAt: performance.now() });
      }
      await delay(LOOK_EVERY_MS);
    }
  } finally {
    await client.end();
  }
  return patients;
}
