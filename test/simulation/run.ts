import type { Client } from 'pg';
import { createConsentHub, type Edit, ORGANIZATION_ID } from './consenthub.ts';
import { createFunctions } from './consumers.ts';
import { createSimulatedDatabase, type DatabaseTampering, emptyDatabase } from './database.ts';
import {
  createOrganization,
  DATAVERSE_ORGANIZATION_ID,
  type DataverseTampering,
} from './dataverse.ts';
import { faultRates } from './faults.ts';
import { checkSettled } from './invariants.ts';
import { createContactCheck } from './contact-check.ts';
import { createRandom } from './random.ts';
import { planScript } from './script.ts';
import { createWebhooks } from './webhooks.ts';
import { createWorld, START_MS, type Violation } from './world.ts';
import { createWrittenCheck } from './written-check.ts';

/** Whoever is not through by then, long after the last fault, never will be. */
const SETTLED_WITHIN_MS = 2 * 3_600_000;

/** Statements that change what a row says of `written` and its doubt. */
const CHANGES_WRITTEN: ReadonlySet<string> = new Set([
  'claim-contacts',
  'settle-contact',
  'release-contact',
  'end-doubts',
  'apply-contacts',
]);

/** A guard taken out of the functions, to see that it is needed. */
export interface Tampering {
  readonly database?: DatabaseTampering;
  readonly dataverse?: DataverseTampering;
}

export interface Run {
  readonly seed: number;
  readonly history: readonly string[];
  readonly violations: readonly Violation[];
  /** What happened of its own accord: actions and faults, each of which can be left out. */
  readonly happened: readonly string[];
}

/**
 * One run: people and systems act while faults happen; then the faults stop, time passes until nothing
 * is left to happen, and the invariants are checked. `left` names what does not happen this time.
 */
export async function run(
  client: Client,
  seed: number,
  { left = new Set(), tampering = {} }: { left?: ReadonlySet<string>; tampering?: Tampering } = {},
): Promise<Run> {
  const random = createRandom(seed);
  const world = createWorld(random, faultRates(random), left);
  const labels = new Map<string, string>();
  const label = (text: string) =>
    [...new Set(idsIn(text).flatMap((id) => labels.get(id) ?? []))].join();
  const database = createSimulatedDatabase(world, client, label, tampering.database ?? {});
  await emptyDatabase(client);
  await database.sql('insert into organizations (id, name, dynamics_org_id) values ($1, $2, $3)', [
    ORGANIZATION_ID,
    'Fictitious Clinic',
    DATAVERSE_ORGANIZATION_ID,
  ]);

  const functions = createFunctions(world, database, () => organization, label);
  const webhooks = createWebhooks(world, functions.contactQueue);
  const organization = createOrganization(
    world,
    (contact) => {
      written.afterWrite();
      webhooks.echo(contact);
    },
    labels,
    tampering.dataverse ?? {},
  );
  const written = createWrittenCheck(world, database, organization);
  const consentHub = createConsentHub(world, database, functions.consentQueue);
  const edits: Edit[] = [];
  const contacts = createContactCheck(world, database, organization, edits, labels);
  database.onCommit(async (names) => {
    if (names.includes('apply-contacts')) await contacts.afterCommit();
    if (names.some((name) => CHANGES_WRITTEN.has(name))) await written.afterCommit();
  });
  functions.startSchedule();

  const faultsMs = planScript({ world, organization, webhooks, consentHub, edits });
  while (await world.step(START_MS + faultsMs)) if (world.violations.length > 0) break;
  world.stopFaults();
  organization.outage = undefined;
  world.note('— the faults stop —');
  webhooks.repeatLost();

  const latestMs = world.now() + SETTLED_WITHIN_MS;
  const settled = async () =>
    world.pending() === 0 &&
    functions.running() === 0 &&
    functions.contactQueue.messages.length === 0 &&
    functions.consentQueue.messages.length === 0 &&
    (await nothingDue(database));
  while (world.violations.length === 0 && !(await settled())) {
    if (!(await world.step(latestMs))) {
      world.violation('nothing is left to do', 'it goes on for hours');
    }
  }
  if (world.violations.length === 0) {
    await checkSettled({ world, database, organization, functions, consentHub, edits });
  }
  return {
    seed,
    history: world.history,
    violations: world.violations,
    happened: world.happened,
  };
}

/**
 * No clock is set and no consent is still to expire. A lease that is over says nothing: on a row whose
 * contact was deleted nobody will ever take it again.
 */
async function nothingDue(database: { sql<T extends object>(text: string): Promise<T[]> }) {
  const [row] = await database.sql<{ due: boolean }>(
    `select exists (
       select 1 from dynamics_contacts
       where read_due_at is not null or write_due_at is not null or doubt_until is not null
         or lease_until > now()
     ) or exists (
       select 1 from consents where status = 'active' and expires_at is not null
     ) as due`,
  );
  return row?.due === false;
}

const idsIn = (text: string): string[] =>
  text.match(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g) ?? [];
