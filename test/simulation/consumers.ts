import {
  createReceiveWebhook,
  type WebhookRequest,
} from '../../functions/receive-webhook/receive-webhook.ts';
import { createSweep } from '../../functions/sweep/sweep.ts';
import { createSyncConsent } from '../../functions/sync-consent/sync-consent.ts';
import { createSyncContact } from '../../functions/sync-contact/sync-contact.ts';
import type { ConsentFields } from '../../shared/consent/consent-fields.ts';
import { createConsentStore } from '../../shared/consent/consent-store.ts';
import { createContactStore } from '../../shared/contacts/contact-store.ts';
import { readContacts } from '../../shared/contacts/read-contacts.ts';
import { createConnectedOrganization } from '../../shared/dataverse/connected-organization.ts';
import { consentColumns } from '../../shared/dataverse/consent-columns.ts';
import { createConsentStatusOptions } from '../../shared/dataverse/consent-status-options.ts';
import { messages } from '../../shared/observability/messages.ts';
import { createConsumer } from '../../shared/queue/consume.ts';
import type { SecretVersions } from '../../shared/secrets/secrets.ts';
import { createReconcile } from '../../shared/reconcile/reconcile.ts';
import { createTrackingStore } from '../../shared/reconcile/tracking-store.ts';
import { createSweepStore } from '../../shared/sweep/sweep-store.ts';
import { createSyncStatusStore } from '../../shared/sync-status/sync-status-store.ts';
import { recordLog, recordMetrics } from '../support/observability.ts';
import type { SimulatedDatabase } from './database.ts';
import type { SimulatedCache } from './cache.ts';
import { type Dataverse, ORG_URL } from './dataverse.ts';
import { type Invocation, waitIn } from './invocation.ts';
import { createSimulatedQueue, type SimulatedQueue } from './queue.ts';
import { WEBHOOK_SECRET_ARN, type WebhookSecret } from './webhook-secret.ts';
import type { World } from './world.ts';

/** As `infra/bridge-stack.ts`. */
const RECEIVE_WEBHOOK_LIMIT_MS = 10_000;
const SYNC_CONTACT_LIMIT_MS = 60_000;
const SYNC_CONSENT_LIMIT_MS = 45_000;
const SWEEP_LIMIT_MS = 55_000;
const SWEEP_RATE_MS = 60_000;
const RECONCILE_LIMIT_MS = 900_000;
const RECONCILE_RATE_MS = 300_000;
/** The events come first in a run: what they bring the reconciler has not to. */
const RECONCILE_FIRST_MS = 100_000;
/** So small that there is something between two pages. */
const CONTACTS_PER_PAGE = 1;
const MAX_MISSING_SHARE = 0.05;
/** As `infra/constructs/queue-with-dead-letter.ts`. */
const VISIBILITY_TIMEOUTS = 6;
/** A container's clock that is wrong is wrong by this much. */
const SKEW_MS = 600_000;

type ColumnsOf = [fields: ConsentFields, lastSync: Date];

/** API Gateway's answer for a function that fails or dies; Dataverse does not try again after it. */
const FUNCTION_FAILED_STATUS = 500;

export interface Functions {
  /** A webhook arrives. `certain`: the clock of the container that took it is right. */
  receiveWebhook(request: WebhookRequest): Promise<{ status: number; certain: boolean }>;
  readonly contactQueue: SimulatedQueue;
  readonly consentQueue: SimulatedQueue;
  readonly contactDeadLetters: SimulatedQueue;
  readonly consentDeadLetters: SimulatedQueue;
  /** Invocations under way. */
  running(): number;
  /** Invocations that ended without a crash and without a failure of the database. */
  undisturbed(invocation: Invocation): boolean;
  /** Everything that the functions have logged. */
  readonly lines: readonly object[];
  /** Runs of the reconciler that have read all changes, begun at that time or later. */
  reconciledSince(atMs: number): boolean;
  /** A run of the sweep every minute from now on, and one of the reconciler every five. */
  startSchedule(options: { readonly reconciles: boolean }): void;
}

/** The functions as their handlers wire them, with everything outside simulated. */
export function createFunctions(
  world: World,
  outside: {
    readonly database: SimulatedDatabase;
    readonly cache: SimulatedCache;
    readonly secret: WebhookSecret;
    readonly dataverse: () => Dataverse;
  },
  label: (text: string) => string,
): Functions {
  const { database, cache, secret } = outside;
  const { log, lines } = recordLog();
  const { metrics } = recordMetrics();
  const counts = new Map<string, number>();
  const ended = new Set<Invocation>();
  let running = 0;

  function invoke(
    name: string,
    limitMs: number,
    use: (invocation: Invocation, remainingMs: () => number) => Promise<void>,
    onEnd: () => void,
  ) {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    let over = false;
    running += 1;
    const end = () => {
      if (over) return;
      over = true;
      running -= 1;
      onEnd();
    };
    const invocation: Invocation = {
      name: `${name} ${count}`,
      skewMs: world.fault(`${name} ${count}`, name, ['clock skewed']) === undefined ? 0 : SKEW_MS,
      endsByMs: world.now() + limitMs,
      dead: false,
      disturbed: false,
      calls: 0,
      die() {
        invocation.dead = true;
        invocation.disturbed = true;
        end();
      },
    };
    // Lambda ends what takes too long.
    const outOfTime = () => {
      if (over) return;
      world.note(`${invocation.name}: ✗ out of time`);
      invocation.die();
    };
    world.after(limitMs, outOfTime, { background: true });
    const live = async () => {
      try {
        await use(invocation, () => invocation.endsByMs - world.now());
        ended.add(invocation);
      } catch (error) {
        // A sweep whose database is away fails, and the next one goes on.
        const kind = error instanceof Error ? error.name : 'nothing';
        world.note(`${invocation.name}: fails with ${kind}`);
        invocation.disturbed = true;
      }
      end();
    };
    // Not waited for: the world goes on while it waits.
    void live();
  }

  const dependenciesOf = (invocation: Invocation) => {
    let ids = 0;
    return {
      newId: () => {
        ids += 1;
        return world.random.uuid(`${invocation.name} ${ids}`);
      },
      now: () => new Date(world.now() + invocation.skewMs),
      log: (...line: Parameters<typeof log>) => {
        if (line[0].code === messages.functionFailed.code) {
          world.violation('functions do not fail', JSON.stringify(line[1]));
        }
        log(...line);
      },
      metrics,
    };
  };

  /** As `shared/lambda/connect.ts`. */
  const connect = (invocation: Invocation) => {
    const dataverse = outside.dataverse().clientOf(invocation);
    const remembered = { client: dataverse, cache: cache.of(invocation), orgUrl: ORG_URL };
    const optionValues = createConsentStatusOptions(remembered);
    return {
      dataverse,
      optionValues,
      connectedOrganizationId: createConnectedOrganization(remembered),
      consentColumns: async (...[fields, lastSync]: ColumnsOf) =>
        consentColumns(fields, await optionValues(), lastSync),
    };
  };

  const consumed = (
    name: string,
    limitMs: number,
    queues: { own: () => SimulatedQueue; dead: () => SimulatedQueue },
    handlerOf: (invocation: Invocation) => Parameters<typeof createConsumer>[0]['handle'],
  ): Parameters<typeof createSimulatedQueue>[3] => ({
    visibilityMs: limitMs * VISIBILITY_TIMEOUTS,
    dead: queues.dead,
    consume(records, done) {
      let kept = new Set(records.map(({ messageId }) => messageId));
      invoke(
        name,
        limitMs,
        async (invocation, remainingMs) => {
          const consume = createConsumer({
            queue: queues.own().of(invocation),
            deadLetterQueue: queues.dead().of(invocation),
            handle: handlerOf(invocation),
            log: dependenciesOf(invocation).log,
            metrics: dependenciesOf(invocation).metrics,
          });
          const { batchItemFailures } = await consume(records, remainingMs);
          kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        },
        () => done(kept),
      );
    },
  });

  const contactDeadLetters = createSimulatedQueue(world, 'contact-dead-letters', label);
  const consentDeadLetters = createSimulatedQueue(world, 'consent-dead-letters', label);
  const contactQueue: SimulatedQueue = createSimulatedQueue(
    world,
    'contact-events',
    label,
    consumed(
      'sync-contact',
      SYNC_CONTACT_LIMIT_MS,
      { own: () => contactQueue, dead: () => contactDeadLetters },
      (invocation) => {
        const { dataverse, optionValues, connectedOrganizationId } = connect(invocation);
        return createSyncContact({
          ...dependenciesOf(invocation),
          connectedOrganizationId,
          store: createContactStore(database.of(invocation)),
          readContacts: (ids) => readContacts(dataverse, ids, optionValues),
        });
      },
    ),
  );
  const consentQueue: SimulatedQueue = createSimulatedQueue(
    world,
    'consent-events',
    label,
    consumed(
      'sync-consent',
      SYNC_CONSENT_LIMIT_MS,
      { own: () => consentQueue, dead: () => consentDeadLetters },
      (invocation) =>
        createSyncConsent({
          ...dependenciesOf(invocation),
          ...connect(invocation),
          store: createConsentStore(database.of(invocation)),
          contacts: createContactStore(database.of(invocation)),
        }),
    ),
  );

  const receiveWebhook: Functions['receiveWebhook'] = (request) =>
    new Promise((resolve) => {
      let status = FUNCTION_FAILED_STATUS;
      let certain = true;
      const use = async (invocation: Invocation) => {
        certain = invocation.skewMs === 0;
        const secrets = secret.readerOf(invocation.name);
        const versions = ({ current, previous }: SecretVersions) =>
          previous === undefined ? [current] : [current, previous];
        const receive = createReceiveWebhook({
          ...dependenciesOf(invocation),
          authentication: 'signature',
          secrets: {
            read: async () => versions(await secrets.readVersions(WEBHOOK_SECRET_ARN)),
            refresh: async () => {
              const read = await secrets.refresh(WEBHOOK_SECRET_ARN);
              return { valid: versions(read.value), certain: read.certain };
            },
          },
          enqueue: (event) => contactQueue.of(invocation).send({ body: JSON.stringify(event) }),
        });
        status = (await receive(request)).statusCode;
      };
      invoke('receive-webhook', RECEIVE_WEBHOOK_LIMIT_MS, use, () => resolve({ status, certain }));
    });

  let sweeping = false;
  function sweep() {
    world.after(SWEEP_RATE_MS, sweep, { background: true });
    // One at a time, as its reserved concurrency makes sure.
    if (sweeping) return;
    sweeping = true;
    invoke(
      'sweep',
      SWEEP_LIMIT_MS,
      async (invocation, remainingMs) => {
        const run = createSweep({
          ...dependenciesOf(invocation),
          store: createSweepStore(database.of(invocation)),
          syncStatus: createSyncStatusStore(database.of(invocation)),
          contactQueue: contactQueue.of(invocation),
          consentQueue: consentQueue.of(invocation),
          wait: (ms) => waitIn(world, invocation, ms),
        });
        await run(remainingMs);
      },
      () => {
        sweeping = false;
      },
    );
  }

  let reconciling = false;
  let reconciledAtMs = -Infinity;
  function reconcile() {
    world.after(RECONCILE_RATE_MS, reconcile, { background: true });
    if (reconciling) return;
    reconciling = true;
    const begunMs = world.now();
    invoke(
      'reconcile-contacts',
      RECONCILE_LIMIT_MS,
      async (invocation, remainingMs) => {
        const { dataverse, connectedOrganizationId, optionValues } = connect(invocation);
        const run = createReconcile({
          ...dependenciesOf(invocation),
          tracking: createTrackingStore(database.of(invocation)),
          contacts: createContactStore(database.of(invocation)),
          dataverse,
          readContacts: (ids) => readContacts(dataverse, ids, optionValues),
          optionValues,
          connectedOrganizationId,
          pageSize: CONTACTS_PER_PAGE,
          maxMissingShare: MAX_MISSING_SHARE,
          wait: (ms) => waitIn(world, invocation, ms),
        });
        const { outcome } = await run({ remainingMs });
        world.note(`${invocation.name}: ${outcome}`);
        if (outcome === 'finished') reconciledAtMs = begunMs;
      },
      () => {
        reconciling = false;
      },
    );
  }

  return {
    receiveWebhook,
    contactQueue,
    consentQueue,
    contactDeadLetters,
    consentDeadLetters,
    lines,
    running: () => running,
    undisturbed: (invocation) => ended.has(invocation) && !invocation.disturbed,
    reconciledSince: (atMs) => reconciledAtMs >= atMs,
    startSchedule({ reconciles }) {
      sweep();
      if (reconciles) world.after(RECONCILE_FIRST_MS, reconcile, { background: true });
    },
  };
}
