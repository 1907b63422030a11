import { createReconcile, type ReconcileOptions } from '../../../shared/reconcile/reconcile.ts';
import { createTrackingStore } from '../../../shared/reconcile/tracking-store.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import { createSyncStatusStore } from '../../../shared/sync-status/sync-status-store.ts';
import { createTokenSource } from '../../../shared/dataverse/token.ts';
import { fakeCache } from '../../unit/dataverse/fakes.ts';
import { application } from '../simulators/dataverse-fixture.ts';
import { startSyncConsent } from '../sync-consent/fixture.ts';

/** More than any page needs. */
const ENOUGH_MS = 900_000;

/** The reconciler beside the functions of both ways, with its real adapters: PostgreSQL and a simulated Dataverse. */
export async function startReconcile() {
  let agoMs = 0;
  const base = await startSyncConsent({ now: () => Date.now() - agoMs });
  const { dynamics, database, dependencies } = base;
  const connection = {
    orgUrl: dynamics.dataverse.url,
    authorityUrl: dynamics.entra.url,
    ...application,
  };
  const client = createDataverseClient({
    connection,
    tokens: createTokenSource({ connection, cache: fakeCache(), fetch }),
    fetch,
    timeoutMs: 5_000,
    parallelRequests: 4,
  });
  const sql = createDatabase({ url: database.url, endpoint: database.neonEndpoint });
  const tracking = createTrackingStore(sql);
  const status = createSyncStatusStore(sql);
  const waits: number[] = [];
  const all = {
    ...dependencies,
    tracking,
    readContacts: base.readContacts,
    optionValues: () => client.getConsentStatusOptions(),
    dataverse: client as Pick<typeof client, 'readChanges'>,
    pageSize: 5_000,
    maxMissingShare: 0.05,
    wait: async (ms: number) => void waits.push(ms),
  };

  return {
    ...base,
    all,
    client,
    tracking,
    waits,

    /** One run. */
    reconcile: (options: Partial<ReconcileOptions> = {}, overrides: Partial<typeof all> = {}) =>
      createReconcile({ ...all, ...overrides })({ remainingMs: () => ENOUGH_MS, ...options }),

    /** What `npm run dynamics` and the function find in the table. */
    async trackingRow() {
      const [row] = await this.sql<{
        link: string | null;
        next_page: string | null;
        problem: string | null;
        full_read_at: Date | null;
        imported_at: Date | null;
        finished_at: Date | null;
        lease_token: string | null;
        listed: string;
      }>('select * from dynamics_change_tracking');
      return row;
    },

    /** What the status of the connection says. */
    trackingProblems: async () => (await status.read()).trackingProblems,

    /** A user of Dynamics acts. */
    change: (id: string, values: object) => dynamics.control('PATCH', `/contacts/${id}`, values),
    remove: (id: string) => dynamics.control('DELETE', `/contacts/${id}`),
    restore: (id: string) => dynamics.control('POST', `/contacts/${id}/restore`),

    /** What users of Dynamics do from now on was done so long ago. */
    actedAgo(ms: number) {
      agoMs = ms;
    },

    audits: () =>
      base.sql<{ action: string; source: string; outcome: string; event_id: string | null }>(
        'select action, source, outcome, event_id from audit_logs order by "timestamp", id',
      ),
  };
}

export type ReconcileFixture = Awaited<ReturnType<typeof startReconcile>>;
