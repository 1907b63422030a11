import { type ConsentHub, type Edit, PATIENT_COLUMNS } from './consenthub.ts';
import type { SimulatedCache } from './cache.ts';
import type { Functions } from './consumers.ts';
import type { SimulatedDatabase } from './database.ts';
import type { Dataverse } from './dataverse.ts';
import { type Contact, type Organization, PROFILE_COLUMNS } from './organization.ts';
import { expectedColumns } from './expected-consents.ts';
import { tokenAllowance } from './token-allowance.ts';
import { START_MS, type World } from './world.ts';

/** All values of persons in a run begin with it. */
const PERSONAL = 'pii.';

export interface Settled {
  readonly world: World;
  readonly database: SimulatedDatabase;
  readonly organization: Organization;
  readonly dataverse: Pick<Dataverse, 'entra' | 'acknowledged' | 'refusedAtMs' | 'outlastedLocks'>;
  readonly functions: Functions;
  readonly consentHub: ConsentHub;
  readonly cache: Pick<SimulatedCache, 'failures'>;
  readonly edits: readonly Edit[];
}

interface FinalRow {
  readonly contact_id: string;
  readonly patient_id: string | null;
  readonly former_patient_id: string | null;
  readonly merged_into: string | null;
  readonly deleted: boolean;
  readonly erased: boolean;
  readonly left_over: boolean;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
}

/** What has to be left when nothing is left to happen. */
export async function checkSettled(settled: Settled): Promise<void> {
  await checkContacts(settled);
  await checkConsents(settled);
  await checkAudit(settled);
  await checkDrift(settled);
  checkDeadLetters(settled);
  checkTokens(settled);
  await checkPersonalData(settled);
}

/** Invariants 2 and 5: both systems say the same of every contact, and nothing is under way. */
async function checkContacts(settled: Settled): Promise<void> {
  const { world, database, organization, consentHub, edits } = settled;
  const rows = await database.sql<FinalRow>(
    `select c.contact_id, c.patient_id, c.former_patient_id, c.merged_into, c.deleted_at is not null as deleted,
       c.erased_at is not null as erased,
       coalesce(c.lease_until > now() or c.doubt_until is not null
         or (c.attempts > 0 and c.patient_id is not null)
         or c.read_due_at is not null or c.write_due_at is not null, false) as left_over,
       p.first_name, p.last_name, p.email, p.phone
     from dynamics_contacts c left join patients p on p.id = c.patient_id`,
  );
  const patients = await database.sql<{ id: string; dynamics_contact_id: string | null }>(
    'select id, dynamics_contact_id from patients order by id',
  );
  for (const contact of organization.contacts.values()) {
    const { name } = contact;
    const row = rows.find(({ contact_id }) => contact_id === contact.id);
    if (row === undefined) {
      // A contact that came and went before anybody looked leaves no trace.
      if (contact.alive) world.violation('the systems agree', `${name} is not known`);
      continue;
    }
    if (row.left_over) world.violation('nothing is left to do', `a clock or a lease of ${name}`);
    if (row.deleted === contact.alive) {
      world.violation('the systems agree', `${name} is ${contact.alive ? 'alive' : 'deleted'}`);
      continue;
    }
    if (contact.alive && row.merged_into !== (contact.mergedInto?.id ?? null)) {
      world.violation('the systems agree', `what ${name} is merged into`);
    }
    const own = patients.filter((one) => one.dynamics_contact_id === contact.id);
    if (!contact.alive || row.erased) {
      if (row.patient_id !== null || own.length > 0) {
        world.violation('the systems agree', `${name} has a patient`);
      }
      continue;
    }
    // Nobody of its own: whoever it was is the master's patient.
    if (contact.mergedInto !== undefined && row.patient_id === null && own.length === 0) continue;
    if (own.length !== 1 || own[0]?.id !== row.patient_id) {
      world.violation('one effect', `${name} has ${own.length} patients`);
      continue;
    }
    for (const column of PROFILE_COLUMNS) checkField(world, edits, contact, row, column);
    const expected = expectedColumns(
      [row.patient_id, ...patientsMergedInto(contact, organization, rows)].map((id) =>
        consentHub.decisions.filter(({ patientId }) => patientId === id),
      ),
      world.now(),
    );
    for (const [column, value] of Object.entries(expected)) {
      if ((contact.columns[column] ?? null) !== value) {
        const shown = String(contact.columns[column]);
        world.violation('the systems agree', `${column} of ${name} shows ${shown}`);
      }
    }
  }
  // A patient is made by the first read of a contact, and by nothing else.
  const made = patients.filter(({ dynamics_contact_id }) => dynamics_contact_id === null).length;
  const unlinked = [...organization.contacts.values()].length * 2;
  if (made > unlinked) world.violation('one effect', `${made} patients without a contact`);
}

/** Patients of the contacts that were merged into one, at once or by way of others. */
function patientsMergedInto(
  master: Contact,
  organization: Organization,
  rows: readonly FinalRow[],
): string[] {
  const rowOf = ({ id }: Contact) => rows.find(({ contact_id }) => contact_id === id);
  return [...organization.contacts.values()]
    .filter(({ mergedInto, mergeSeen }) => mergedInto === master && mergeSeen)
    .flatMap((contact) => [
      rowOf(contact)?.patient_id ?? rowOf(contact)?.former_patient_id ?? [],
      ...patientsMergedInto(contact, organization, rows),
    ])
    .flat()
    .filter((id) => id !== rowOf(master)?.patient_id);
}

/** Both sides show the same, and it is what somebody set last on one of them. */
function checkField(
  world: World,
  edits: readonly Edit[],
  contact: Contact,
  row: FinalRow,
  column: (typeof PROFILE_COLUMNS)[number],
): void {
  const shown = contact.columns[column];
  const here = row[PATIENT_COLUMNS[column] as 'first_name'];
  if (here !== shown) {
    world.violation('the systems agree', `${column} of ${contact.name}: ${here}, not ${shown}`);
    return;
  }
  const ofField = edits.filter((edit) => edit.contact === contact && edit.column === column);
  const last = (['Dynamics', 'ConsentHub'] as const).map(
    (by) => ofField.findLast((edit) => edit.by === by)?.value,
  );
  if (last.includes(here ?? undefined)) return;
  world.violation('no edit is undone', `${column} of ${contact.name} is ${here} again`);
}

/** Invariant 3: what ConsentHub has decided stands as it was decided, and is marked as shown. */
async function checkConsents({ world, database, consentHub }: Settled): Promise<void> {
  const rows = await database.sql<{
    id: string;
    status: string;
    revoked_at: Date | null;
    sync: string;
    linked: boolean;
  }>(
    `select k.id, k.status, k.revoked_at, k.dynamics_sync_status as sync,
       exists (select 1 from dynamics_contacts c where c.patient_id = k.patient_id) as linked
     from consents k where dynamics_is_marketing(k.consent_type) order by k.id`,
  );
  for (const decision of consentHub.decisions) {
    if (consentHub.erased.has(decision.patientId)) continue;
    const row = rows.find(({ id }) => id === decision.id);
    const expired = decision.expiresAtMs !== null && decision.expiresAtMs <= world.now();
    const status = decision.revokedAtMs !== null ? 'revoked' : expired ? 'expired' : 'active';
    // One that expired before it was revoked stays revoked.
    if (row?.status !== status || (row.revoked_at?.getTime() ?? null) !== decision.revokedAtMs) {
      world.violation('a revocation stands', `a consent is ${row?.status}, not ${status}`);
    }
  }
  const waiting = rows.filter(({ linked, sync }) => linked && sync !== 'synced').length;
  if (waiting > 0) world.violation('nothing is left to do', `${waiting} consents are not synced`);
}

/** Invariant 4: one audit row for each event, and one for each write that a function knows of. */
async function checkAudit({
  world,
  database,
  organization,
  dataverse,
  functions,
}: Settled): Promise<void> {
  const dead = new Set(
    [...functions.contactDeadLetters.messages, ...functions.consentDeadLetters.messages].map(
      ({ body }) => body,
    ),
  );
  const audited = await database.sql<{ event_id: string }>(
    'select event_id from audit_logs where event_id is not null',
  );
  const known = new Set(audited.map(({ event_id }) => event_id));
  for (const body of [...functions.contactQueue.sent, ...functions.consentQueue.sent]) {
    if (dead.has(body)) continue;
    const { eventId, type } = JSON.parse(body) as { eventId: string; type: string };
    if (!known.has(eventId)) world.violation('one audit row for each event', `${type} has none`);
  }
  const written = await database.sql<{ contact_id: string; count: number }>(
    `select new_values ->> 'contactId' as contact_id, count(*)::int as count from audit_logs
     where action = 'dynamics_sync' and outcome = 'applied' group by 1`,
  );
  for (const contact of organization.contacts.values()) {
    const rows = written.find(({ contact_id }) => contact_id === contact.id)?.count ?? 0;
    const writes = dataverse.acknowledged.filter(({ contactId }) => contactId === contact.id);
    const certain = writes.filter(({ by }) => functions.undisturbed(by)).length;
    if (rows < certain || rows > writes.length) {
      const detail = `${rows} rows for ${writes.length} writes (${certain} undisturbed)`;
      world.violation('one audit row for each write', `${contact.name}: ${detail}`);
    }
  }
}

/** Nobody is told of an edit that was none. */
async function checkDrift({ world, database, organization }: Settled): Promise<void> {
  const told = await database.sql<{ contact_id: string }>(
    `select distinct new_values ->> 'contactId' as contact_id from audit_logs
     where new_values ? 'driftedFields'`,
  );
  for (const { contact_id } of told) {
    const contact = organization.contacts.get(contact_id);
    if (contact?.consentsEdited === false) {
      world.violation('what we wrote is no edit', contact.name);
    }
  }
}

/** A process that died may take a token with it; one whose clock is wrong takes a good one for an old one. */
const COSTS_A_TOKEN = /crash|clock skewed/;

/** Invariant 9: for all containers together one token per lifetime, and what refusals and failures cost. */
function checkTokens({ world, dataverse, cache }: Settled): void {
  if (world.happened.some((what) => COSTS_A_TOKEN.test(what))) return;
  const { issued } = dataverse.entra;
  const allowance = tokenAllowance(world.now() - START_MS, dataverse, cache);
  const allowed = Object.values(allowance).reduce((sum, one) => sum + one, 0);
  if (issued > allowed) {
    const detail = `${issued} were bought, not ${allowed} (${JSON.stringify(allowance)})`;
    world.violation('one token for all containers', detail);
  }
}

/** Only what can never be handled is a dead letter, with its reason. */
function checkDeadLetters({ world, functions, consentHub }: Settled): void {
  for (const { body, attributes } of functions.contactDeadLetters.messages) {
    world.violation('no dead letters', `${attributes['reason']}: ${body.length} characters`);
  }
  const left = [...consentHub.poison];
  for (const { body, attributes } of functions.consentDeadLetters.messages) {
    const reason = String(attributes['reason']);
    const patient = [...consentHub.erased].some((id) => body.includes(id));
    if (patient && (reason === 'unknown_patient' || reason === 'unknown_consent')) continue;
    if (!consentHub.poison.includes(reason)) world.violation('no dead letters', reason);
    const index = left.indexOf(reason);
    if (index >= 0) left.splice(index, 1);
  }
  if (left.length > 0) world.violation('poison is set aside', `${left.join()} is missing`);
}

/** Invariant 8. */
async function checkPersonalData({ world, database, functions }: Settled): Promise<void> {
  const places: Record<string, string> = {
    'a log': JSON.stringify(functions.lines),
    'a queue': [...functions.contactQueue.sent, ...functions.consentQueue.sent].join(),
    'the audit trail': JSON.stringify(await database.sql('select * from audit_logs')),
  };
  for (const [place, text] of Object.entries(places)) {
    if (text.includes(PERSONAL)) world.violation('no personal data', `in ${place}`);
  }
}
