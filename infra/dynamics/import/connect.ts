import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { createContactStore } from '../../../shared/contacts/contact-store.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import { MAX_PAGE_SIZE } from '../../../shared/dataverse/client.ts';
import type { Log } from '../../../shared/observability/log.ts';
import type { Measurements } from '../../../shared/observability/metrics.ts';
import { createReconcile } from '../../../shared/reconcile/reconcile.ts';
import { createTrackingStore } from '../../../shared/reconcile/tracking-store.ts';
import { connectContacts } from '../contacts-client.ts';
import type { Target } from '../target.ts';

/** Nobody collects metrics of a terminal: its summary says what there is to say. */
const NO_METRICS: Measurements = { count() {}, add() {}, duration() {}, seconds() {} };

/** The reconciler for a terminal, and what says how many contacts there are. */
export function connectImport(
  { dynamics, database }: Target<'dynamics' | 'database'>,
  options: { readonly maxMissingShare: number; readonly log: Log },
) {
  const { client, optionValues, readContacts } = connectContacts(dynamics);
  const sql = createDatabase(database);
  return {
    estimateContacts: () => client.estimateContacts(),
    reconcile: createReconcile({
      tracking: createTrackingStore(sql),
      contacts: createContactStore(sql),
      dataverse: client,
      readContacts,
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
