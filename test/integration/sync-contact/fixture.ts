import { createHash, randomUUID } from 'node:crypto';
import { createSyncContact } from '../../../functions/sync-contact/sync-contact.ts';
import { createContactStore } from '../../../shared/contacts/contact-store.ts';
import { readContacts } from '../../../shared/contacts/read-contacts.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import { createConsentStatusOptions } from '../../../shared/dataverse/consent-status-options.ts';
import { createTokenSource } from '../../../shared/dataverse/token.ts';
import type { ContactEvent } from '../../../shared/queue/contact-event.ts';
import { createMigratedDatabase } from '../../support/migrated-database.ts';
import { recordLog, recordMetrics } from '../../support/observability.ts';
import { fakeCache } from '../../unit/dataverse/fakes.ts';
import { application, startFixture } from '../simulators/dataverse-fixture.ts';

/** The use case of `sync-contact` with its real adapters: PostgreSQL behind Neon's protocol, a simulated Dataverse. */
export async function startSyncContact(simulation: { now?: () => number } = {}) {
  const database = await createMigratedDatabase();
  const dynamics = await startFixture(simulation);
  await database.pool.query('update organizations set dynamics_org_id = $1', [
    dynamics.dataverse.organizationId,
  ]);
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
  const optionValues = createConsentStatusOptions({
    client,
    cache: fakeCache(),
    orgUrl: connection.orgUrl,
  });
  const store = createContactStore(
    createDatabase({ url: database.url, endpoint: database.neonEndpoint }),
  );
  const { log, lines } = recordLog();
  const { metrics, recorded } = recordMetrics();
  const dependencies = {
    store,
    readContacts: (ids: readonly string[]) => readContacts(client, ids, optionValues),
    connectedOrganizationId: async () => (await client.whoAmI()).organizationId,
    newId: () => randomUUID() as string,
    now: () => new Date(),
    log,
    metrics,
  };

  const event = (
    contactId: string,
    type: ContactEvent['type'] = 'contact.updated',
    overrides: Partial<ContactEvent> = {},
  ): ContactEvent => ({
    version: 1,
    eventId: randomUUID(),
    type,
    dataverseOrganizationId: dynamics.dataverse.organizationId,
    contactId,
    receivedAt: new Date().toISOString(),
    correlationId: randomUUID(),
    ...overrides,
  });

  return {
    database,
    dynamics,
    dependencies,
    lines,
    recorded,
    event,

    /** Handles one batch; the settlements are in the order of the messages. */
    async sync(
      events: readonly (ContactEvent | string)[],
      options: { receiveCount?: number; overrides?: Partial<typeof dependencies> } = {},
    ) {
      const handle = createSyncContact({ ...dependencies, ...options.overrides });
      const batch = events.map((one, index) => ({
        id: String(index),
        body: typeof one === 'string' ? one : JSON.stringify(one),
        receiveCount: options.receiveCount ?? 1,
      }));
      const settlements = await handle(batch, () => 60_000);
      return batch.map(({ id }) => settlements.get(id));
    },

    async sql<T extends object = Record<string, unknown>>(text: string, params: unknown[] = []) {
      return (await database.pool.query<T>(text, params)).rows;
    },

    /** The patient and the row of a contact. */
    async state(contactId: string) {
      const [row] = await this.sql(
        `select c.deleted_at is not null as deleted, c.patient_id is not null as linked,
           c.read_due_at is not null as read_due, c.version::text, c.revision::int,
           p.first_name, p.last_name, p.email, p.phone, p.dynamics_contact_id
         from dynamics_contacts c
         left join patients p on p.id = coalesce(c.patient_id, c.former_patient_id)
         where c.contact_id = $1`,
        [contactId],
      );
      return row;
    },

    /** The audit row of an event, with whether its checksum is right. */
    async audit(eventId: string) {
      const rows = await this.sql<{
        id: string;
        action: string;
        outcome: string;
        source: string;
        at: Date;
        new_values: unknown;
        checksum: string;
        canonical: string;
      }>(
        `select id, action, outcome, source, "timestamp" as at, new_values, checksum
         from audit_logs where event_id = $1`,
        [eventId],
      );
      return rows.map(({ id, at, checksum, ...row }) => ({
        ...row,
        sealed:
          checksum ===
          createHash('sha256')
            .update(`${id}${row.action}${at.toISOString()}${canonicalJson(row.new_values)}`)
            .digest('hex'),
      }));
    },

    async close() {
      await dynamics.close();
      await database.drop();
    },
  };
}

export type SyncContactFixture = Awaited<ReturnType<typeof startSyncContact>>;

/** RFC 8785 for what audit rows hold (objects, arrays, strings), written apart from the code under test. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
