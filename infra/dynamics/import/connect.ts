import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Cache } from '../../../shared/cache/redis.ts';
import { createContactStore } from '../../../shared/contacts/contact-store.ts';
import { readContacts } from '../../../shared/contacts/read-contacts.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import { createDataverseClient, MAX_PAGE_SIZE } from '../../../shared/dataverse/client.ts';
import { createConsentStatusOptions } from '../../../shared/dataverse/consent-status-options.ts';
import { createTokenSource } from '../../../shared/dataverse/token.ts';
import type { Log } from '../../../shared/observability/log.ts';
import type { Measurements } from '../../../shared/observability/metrics.ts';
import { createReconcile } from '../../../shared/reconcile/reconcile.ts';
import { createTrackingStore } from '../../../shared/reconcile/tracking-store.ts';
import type { Target } from '../target.ts';

/** Besides a page, which has a time limit of its own. */
const TIMEOUT_MS = 10_000;

/** Of the few that the functions leave over (infra/dataverse-concurrency.ts). */
const PARALLEL_REQUESTS = 2;

/** A terminal has no part in the functions' Redis: it asks for tokens of its own. */
const NO_CACHE: Cache = {
  get: unavailable,
  getMany: unavailable,
  set: unavailable,
  setIfAbsent: unavailable,
  deleteIfEquals: unavailable,
};

async function unavailable(): Promise<never> {
  throw new Error('there is no cache');
}

/** Nobody collects metrics of a terminal: its summary says what there is to say. */
const NO_METRICS: Measurements = { count() {}, add() {}, duration() {}, seconds() {} };

/** The reconciler for a terminal, and what says how many contacts there are. */
export function connectImport(
  { dynamics, database }: Target<'dynamics' | 'database'>,
  options: { readonly maxMissingShare: number; readonly log: Log },
) {
  const client = createDataverseClient({
    connection: dynamics,
    tokens: createTokenSource({ connection: dynamics, cache: NO_CACHE, fetch }),
    fetch,
    timeoutMs: TIMEOUT_MS,
    parallelRequests: PARALLEL_REQUESTS,
  });
  const sql = createDatabase(database);
  const optionValues = createConsentStatusOptions({
    client,
    cache: NO_CACHE,
    orgUrl: dynamics.orgUrl,
  });
  return {
    estimateContacts: () => client.estimateContacts(),
    reconcile: createReconcile({
      tracking: createTrackingStore(sql),
      contacts: createContactStore(sql),
      dataverse: client,
      readContacts: (ids) => readContacts(client, ids, optionValues),
      optionValues,
      connectedOrganizationId: async () => (await client.whoAmI()).organizationId,
      pageSize: MAX_PAGE_SIZE,
      newId: randomUUID,
      wait,
      metrics: NO_METRICS,
      ...options,
    }),
  };
}
