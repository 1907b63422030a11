import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../../simulation/random.ts';
import { type RunningStack, startRunningStack } from '../running-stack.ts';
import { sweepAgainAndAgain, untilSettled } from './aftermath.ts';
import { createConsentHub } from './consenthub.ts';
import { createDynamicsUsers } from './dynamics-users.ts';
import { createKiller } from './killer.ts';
import { createObserver } from './observer.ts';
import { newPerson, type Person } from './person.ts';
import { type ActionKind, planActions } from './plan.ts';
import { judge, type Verdict } from './verdict.ts';
import { acceptedEventIds, listDeliveries, repeatLost } from './webhooks.ts';
import { createWeather } from './weather.ts';

export interface FaultRun {
  /** Who does what, which faults come in which order, who is killed. The interleaving is the machine's. */
  readonly seed: number;
  readonly contacts: number;
  /** How long people go on and the weather is bad. */
  readonly stormSeconds: number;
  /** How long agreement may take after the storm. */
  readonly patienceSeconds: number;
  readonly report?: (line: string) => void;
}

type Counts = Readonly<Record<string, number>>;

export interface FaultRunResult {
  readonly verdict: Verdict;
  readonly numbers: Counts;
  readonly answers: Counts;
  readonly kills: Counts;
  readonly spells: Counts;
  /** Requests to Dataverse that met a fault. */
  readonly dataverseFaults: Counts;
}

/**
 * A killed function's messages come back after this; the template says 360 and 270 s. Shorter is harder:
 * messages are handed to a second consumer while the first one may still be at work on them.
 */
const VISIBILITY_SECONDS = 15;

/** Starts the real stack, lets everything go wrong while people work, and says what is left of it. */
export async function runFaults(options: FaultRun): Promise<FaultRunResult> {
  const it = await startRunningStack();
  try {
    return await run(it, options);
  } finally {
    await it.close();
  }
}

async function run(it: RunningStack, options: FaultRun): Promise<FaultRunResult> {
  const { seed, stormSeconds, patienceSeconds } = options;
  const report = options.report ?? (() => undefined);
  const random = createRandom(seed);
  const people = Array.from({ length: options.contacts }, (_, index) => newPerson(index + 1));
  const users = createDynamicsUsers(it, random);
  const consentHub = createConsentHub(it, random);
  const weather = createWeather(it, random, seed);
  const killer = createKiller(it, random);
  const observer = createObserver(it, people);
  await shortenVisibility(it);

  const observing = new AbortController();
  const observed = observer.observe(observing.signal);
  const swept = sweepAgainAndAgain(it, observing.signal);
  const storm = new AbortController();
  const raging = Promise.all([weather.storm(storm.signal), killer.kill(storm.signal)]);

  report(`Storm: ${people.length} contacts in ${stormSeconds} s, seed ${seed}`);
  const startedAt = performance.now();
  const actions = planActions(random, people.length, stormSeconds * 1_000);
  const acts: Record<ActionKind, (person: Person, key: string) => Promise<void>> = {
    create: (person) => users.create(person),
    change: (person, key) => users.change(person, key),
    'delete or restore': (person) => users.deleteOrRestore(person),
    'deliver again': (person) => users.deliverAgain(person),
    decide: (person, key) => consentHub.decide(person, key),
  };
  // What is done with one contact happens in its order. Decisions wait for a patient, nothing else does.
  const inDynamics = new Map<Person, Promise<void>>();
  const inConsentHub = new Map<Person, Promise<void>>();
  for (const { atMs, person: n, kind, key } of actions) {
    const earlyMs = startedAt + atMs - performance.now();
    if (earlyMs > 0) await delay(earlyMs);
    const person = people[n - 1];
    if (person === undefined) throw new RangeError(`there is no person ${n}`);
    const chains = kind === 'decide' ? inConsentHub : inDynamics;
    const before = chains.get(person) ?? Promise.resolve();
    chains.set(
      person,
      before.then(() => acts[kind](person, key)),
    );
  }
  storm.abort();
  await raging;
  await Promise.all(inDynamics.values());
  const stormEndedAt = performance.now();

  report('The storm is over; waiting for agreement');
  let passedSeconds = await untilSettled(it, patienceSeconds * 1_000);
  const repeated = await repeatLost(it);
  passedSeconds += await untilSettled(it, patienceSeconds * 1_000);
  // Whoever is no patient by now will not be one: deleted before it could be read.
  for (const person of people) person.patient.resolve(undefined);
  await Promise.all(inConsentHub.values());
  passedSeconds += await untilSettled(it, patienceSeconds * 1_000);
  const settledAt = performance.now();
  observing.abort();
  await Promise.all([observed, swept]);

  report('Settled; judging');
  const { deliveries } = await listDeliveries(it);
  const accepted = await acceptedEventIds(it, deliveries);
  const verdict = await judge(it, {
    people,
    eventIds: accepted.union(new Set(consentHub.eventIds)),
    ...observer,
  });
  const requests = await it.control<{ total: number }>('GET', '/requests');
  const { met } = await it.control<{ met: Counts }>('GET', '/faults');
  const [rows] = await it.sql<{ patients: number; created: number; audit: number }>(
    `select (select count(*) from patients)::int as patients,
       (select count(*) from audit_logs where action = 'patient_created')::int as created,
       (select count(*) from audit_logs)::int as audit`,
  );
  const answers = deliveries.flatMap(({ statuses }) => statuses).map(String);
  return {
    verdict,
    answers: countEach(answers),
    kills: killer.kills,
    spells: weather.spells,
    dataverseFaults: met,
    numbers: {
      seed,
      'contacts created': users.did.created,
      'contacts changed': users.did.changed,
      'contacts deleted': users.did.deleted,
      'contacts restored': users.did.restored,
      'webhooks posted': answers.length,
      'webhooks sent again, because they were lost': repeated,
      grants: consentHub.did.grants,
      revocations: consentHub.did.revocations,
      'consents never published': consentHub.did.neverPublished,
      'consents published twice': consentHub.did.publishedTwice,
      'commits of ConsentHub tried again': consentHub.did.commitsRetried,
      'functions killed at work': sum(killer.kills),
      'requests to Dataverse': requests.total,
      'requests that met a fault': sum(met),
      patients: rows?.patients ?? 0,
      'creations of patients on record': rows?.created ?? 0,
      'audit rows': rows?.audit ?? 0,
      'looks at the rows meanwhile': observer.samples(),
      'seconds of storm': seconds(stormEndedAt - startedAt),
      'seconds from its end until agreement': seconds(settledAt - stormEndedAt),
      'seconds passed over on the clocks': passedSeconds,
    },
  };
}

async function shortenVisibility({ sqs, details }: RunningStack): Promise<void> {
  for (const QueueUrl of [details.contactQueueUrl, details.consentQueueUrl]) {
    const Attributes = { VisibilityTimeout: String(VISIBILITY_SECONDS) };
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  }
}

function countEach(values: readonly string[]): Counts {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

const sum = (counts: Counts): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const seconds = (ms: number): number => Math.round(ms / 1_000);
