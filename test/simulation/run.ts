import type { Client } from 'pg';
import { createConsentHub, type Edit, ORGANIZATION_ID } from './consenthub.ts';
import { createFunctions } from './consumers.ts';
import { createSimulatedDatabase, type DatabaseTampering, emptyDatabase } from './database.ts';
import { createDataverse, type DataverseTampering } from './dataverse.ts';
import { chooseFocus, type Focus, faultRate } from './faults.ts';
import { checkSettled } from './invariants.ts';
import { createContactCheck } from './contact-check.ts';
import { createLeaseCheck } from './lease-check.ts';
import { createOrganization, DATAVERSE_ORGANIZATION_ID } from './organization.ts';
import { createRandom } from './random.ts';
import { createReadOrderCheck } from './read-order-check.ts';
import { planScript } from './script.ts';
import { type TokenAllowance, tokenAllowance } from './token-allowance.ts';
import { createSimulatedCache } from './cache.ts';
import { createWebhookSecret } from './webhook-secret.ts';
import { createWebhooks, type WebhookTampering } from './webhooks.ts';
import { createWorld, START_MS, type Violation } from './world.ts';
import { createWrittenCheck } from './written-check.ts';

/** Whoever is not through by then, long after the last fault, never will be. */
const SETTLED_WITHIN_MS = 2 * 3_600_000;

/** A guard taken out of the functions, to see that it is needed. */
export interface Tampering {
  readonly database?: DatabaseTampering;
  readonly dataverse?: DataverseTampering;
  readonly webhook?: WebhookTampering;
}

export interface Run {
  readonly seed: number;
  readonly history: readonly string[];
  readonly violations: readonly Violation[];
  /** What people and systems did, by the name of its kind. */
  readonly actions: readonly string[];
  /** What happened of its own accord: actions and faults, each of which can be left out. */
  readonly happened: readonly string[];
  /** Tokens that Entra ID has issued. */
  readonly tokens: number;
  readonly tokenAllowance: TokenAllowance;
}

export interface RunOptions {
  /** Names what does not happen this time. */
  readonly left?: ReadonlySet<string>;
  readonly tampering?: Tampering;
  /** What the run is about, instead of what the seed says. */
  readonly focus?: Focus | undefined;
}

/**
 * One run: people and systems act while faults happen; then the faults stop, time passes until nothing
 * is left to happen, and the invariants are checked.
 */
export async function run(
  client: Client,
  seed: number,
  { left = new Set(), tampering = {}, focus }: RunOptions = {},
): Promise<Run> {
  const random = createRandom(seed);
  const about = focus ?? chooseFocus(random);
  const world = createWorld(random, faultRate(random, about), left);
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

  const cache = createSimulatedCache(world);
  const secret = createWebhookSecret(world);
  const reads = createReadOrderCheck(world, label);
  const functions = createFunctions(
    world,
    { database, cache, secret, dataverse: () => dataverse },
    label,
  );
  const webhooks = createWebhooks(world, functions, secret, tampering.webhook);
  const organization = createOrganization(world, labels, (contact) => {
    written.afterWrite();
    webhooks.echo(contact);
  });
  const dataverse = createDataverse(
    world,
    cache,
    organization,
    (by, contact) => reads.afterRead(by, contact),
    tampering.dataverse ?? {},
  );
  const written = createWrittenCheck(world, database, organization);
  const consentHub = createConsentHub(world, database, functions.consentQueue);
  const edits: Edit[] = [];
  const actions: string[] = [];
  const contacts = createContactCheck(world, database, organization, edits, labels);
  database.onCommit(contacts, written, reads, createLeaseCheck(world, database, label));
  const reconciles = about?.unreconciled !== true;
  functions.startSchedule({ reconciles });

  const faultsMs = planScript(
    {
      world,
      organization,
      dataverse,
      webhooks,
      queues: [functions.contactQueue, functions.consentQueue],
      secret,
      consentHub,
      edits,
      actions,
    },
    about,
  );
  while (await world.step(START_MS + faultsMs)) if (world.violations.length > 0) break;
  world.stopFaults();
  dataverse.outage = undefined;
  world.note('— the faults stop —');
  const calmMs = world.now();

  const latestMs = world.now() + SETTLED_WITHIN_MS;
  const settled = async () =>
    world.pending() === 0 &&
    (!reconciles || functions.reconciledSince(calmMs)) &&
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
    await checkSettled({
      world,
      database,
      organization,
      dataverse,
      functions,
      consentHub,
      cache,
      edits,
    });
  }
  return {
    seed,
    history: world.history,
    violations: world.violations,
    actions,
    happened: world.happened,
    tokens: dataverse.entra.issued,
    tokenAllowance: tokenAllowance(world.now() - START_MS, dataverse, cache),
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
