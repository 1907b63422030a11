import { randomUUID } from 'node:crypto';
import { createSweep } from '../../../functions/sweep/sweep.ts';
import { createSyncConsent } from '../../../functions/sync-consent/sync-consent.ts';
import { createConsentStore } from '../../../shared/consent/consent-store.ts';
import { consentColumns } from '../../../shared/dataverse/consent-columns.ts';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import { createTokenSource } from '../../../shared/dataverse/token.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import type { ConsentEvent } from '../../../shared/queue/consent-event.ts';
import type { SentMessage } from '../../../shared/queue/queue.ts';
import { createSweepStore } from '../../../shared/sweep/sweep-store.ts';
import { createSyncStatusStore } from '../../../shared/sync-status/sync-status-store.ts';
import { fakeCache } from '../../unit/dataverse/fakes.ts';
import { application } from '../simulators/dataverse-fixture.ts';
import { startSyncContact } from '../sync-contact/fixture.ts';

type Change = 'granted' | 'revoked';

/** The way back with its real adapters: PostgreSQL behind Neon's protocol, a simulated Dataverse. */
export async function startSyncConsent(simulation: { now?: () => number } = {}) {
  const inbound = await startSyncContact(simulation);
  const { dynamics, database } = inbound;
  const connection = {
    orgUrl: dynamics.dataverse.url,
    authorityUrl: dynamics.entra.url,
    ...application,
  };
  const dataverse = createDataverseClient({
    connection,
    tokens: createTokenSource({ connection, cache: fakeCache(), fetch }),
    fetch,
    timeoutMs: 1_000,
    parallelRequests: 4,
  });
  const connected = createDatabase({ url: database.url, endpoint: database.neonEndpoint });
  const store = createConsentStore(connected);
  const dependencies = {
    store,
    contacts: inbound.dependencies.store,
    dataverse,
    consentColumns: async (
      fields: Parameters<typeof consentColumns>[0],
      lastSync: Date,
    ): Promise<ReturnType<typeof consentColumns>> =>
      consentColumns(fields, await dataverse.getConsentStatusOptions(), lastSync),
    connectedOrganizationId: inbound.dependencies.connectedOrganizationId,
    newId: () => randomUUID() as string,
    now: () => new Date(),
    log: inbound.dependencies.log,
    metrics: inbound.dependencies.metrics,
  };

  return {
    ...inbound,
    dependencies,
    store,
    readContacts: inbound.dependencies.readContacts,
    sweepStore: createSweepStore(connected),
    syncStatus: () => createSyncStatusStore(connected).read(),

    /** A contact of Dynamics and its patient, linked; the clock of the new link is stopped. */
    async linked(n: number) {
      const contactId = await dynamics.createContact({
        firstname: 'Ada',
        lastname: `Fictitious${n}`,
        emailaddress1: `ada${n}@example.test`,
      });
      await inbound.sync([inbound.event(contactId, 'contact.created')]);
      const [row] = await inbound.sql<{ patient_id: string }>(
        'update dynamics_contacts set write_due_at = null where contact_id = $1 returning patient_id',
        [contactId],
      );
      return { contactId, patientId: String(row?.patient_id) };
    },

    /** Changes a consent as ConsentHub does, in one transaction, without any message. */
    async decide(
      patientId: string,
      channel: string,
      change: Change | 'pending',
      options: { at?: string; expires?: string; type?: string } = {},
    ): Promise<string> {
      const [row] = await inbound.sql<{ id: string }>(
        `insert into consents (organization_id, patient_id, consent_type, status, granted_at,
           revoked_at, expires_at)
         select organization_id, id, $2, $3,
           case when $3 in ('active') then coalesce($4::timestamptz, now()) end,
           case when $3 = 'revoked' then coalesce($4::timestamptz, now()) end,
           $5::timestamptz
         from patients where id = $1 returning id`,
        [
          patientId,
          options.type ?? `marketing_${channel}`,
          { granted: 'active', revoked: 'revoked', pending: 'pending' }[change],
          options.at ?? null,
          options.expires ?? null,
        ],
      );
      return String(row?.id);
    },

    consentEvent(
      patientId: string,
      consentId: string | undefined,
      overrides: Partial<Record<keyof ConsentEvent | 'consentId', unknown>> = {},
    ): Record<string, unknown> & { eventId: string } {
      return {
        version: 1,
        type: consentId === undefined ? 'sync.requested' : 'consent.granted',
        organizationId: database.organizationId,
        patientId,
        ...(consentId !== undefined && { consentId }),
        occurredAt: new Date().toISOString(),
        ...overrides,
        eventId: randomUUID(),
      };
    },

    /** Handles one batch; the settlements are in the order of the messages. */
    async syncConsent(
      events: readonly object[],
      options: { receiveCount?: number; overrides?: Partial<typeof dependencies> } = {},
    ) {
      const handle = createSyncConsent({ ...dependencies, ...options.overrides });
      const batch = events.map((one, index) => ({
        id: String(index),
        body: JSON.stringify(one),
        receiveCount: options.receiveCount ?? 1,
      }));
      const settlements = await handle(batch, () => 60_000);
      return batch.map(({ id }) => settlements.get(id));
    },

    /** One run of the clock; what it rings is handled at once, as the queues would. */
    async sweep() {
      const rung: SentMessage[] = [];
      const queue = {
        sendAll: async (messages: readonly SentMessage[]) => {
          rung.push(...messages);
        },
        waiting: async () => 0,
      };
      const sweep = createSweep({
        store: createSweepStore(connected),
        syncStatus: createSyncStatusStore(connected),
        contactQueue: queue,
        consentQueue: queue,
        newId: dependencies.newId,
        now: dependencies.now,
        wait: async () => undefined,
        log: dependencies.log,
        metrics: dependencies.metrics,
      });
      const swept = await sweep(() => 30_000);
      for (const { body } of rung) {
        const event = JSON.parse(body) as { patientId?: string };
        if (event.patientId === undefined) await inbound.sync([body]);
        else await this.syncConsent([event]);
      }
      const patients = rung.map(
        ({ body }) => (JSON.parse(body) as { patientId?: string }).patientId,
      );
      return {
        ...swept,
        /** How often it rang for this patient. */
        rangFor: (patientId: string) => patients.filter((one) => one === patientId).length,
      };
    },

    /** Moves all clocks, leases and doubts back, as if so much time had passed. */
    async pass(interval: string) {
      await inbound.sql(
        `update dynamics_contacts set
           read_due_at = read_due_at - $1::interval, write_due_at = write_due_at - $1::interval,
           lease_until = lease_until - $1::interval, doubt_until = doubt_until - $1::interval`,
        [interval],
      );
    },

    /** What Dynamics shows of the consents, with the status by its label. */
    async shown(contactId: string) {
      const contact = (await (await dynamics.control('GET', `/contacts/${contactId}`)).json()) as
        | Record<string, unknown>
        | undefined;
      const options = await dataverse.getConsentStatusOptions();
      const status = Object.entries(options).find(
        ([, value]) => value === contact?.['ch_consent_status'],
      );
      return {
        email: contact?.['ch_marketing_email'],
        sms: contact?.['ch_marketing_sms'],
        status: status?.[0] ?? null,
        date: contact?.['ch_consent_date'] ?? null,
        expires: contact?.['ch_consent_expires'] ?? null,
      };
    },

    async row(contactId: string) {
      const [row] = await inbound.sql(
        `select revision::int, written is not null as written, write_due_at, doubt_until, lease_token,
           attempts from dynamics_contacts where contact_id = $1`,
        [contactId],
      );
      return row;
    },

    /** What the trail says that Dynamics was told of a contact's consents, write by write. */
    async told(contactId: string) {
      const rows = await inbound.sql(
        `select new_values -> 'consents' as consents from audit_logs
         where action = 'dynamics_sync' and new_values ->> 'contactId' = $1 order by "timestamp"`,
        [contactId],
      );
      return rows.map(({ consents }) => consents);
    },

    /** Rows of writes to Dynamics about a contact: their outcome, and how many events they cover. */
    async writes(contactId: string) {
      return inbound.sql(
        `select outcome, jsonb_array_length(new_values -> 'eventIds') as events from audit_logs
         where action = 'dynamics_sync' and new_values ->> 'contactId' = $1 order by "timestamp"`,
        [contactId],
      );
    },
  };
}

export type SyncConsentFixture = Awaited<ReturnType<typeof startSyncConsent>>;
