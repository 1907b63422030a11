import { Client } from 'pg';
import type { ConsentRow } from '../../../shared/consent/derive-contact-fields.ts';
import type { Channel } from './arguments.ts';
import type { Expiry } from './expiry.ts';

export interface LinkedPatient {
  readonly patientId: string;
  /** Null while no contact is linked. */
  readonly contactId: string | null;
}

/** A committed decision and when it was made, by the database's clock. */
export interface CommittedConsent {
  readonly consentId: string;
  readonly decidedAt: Date;
}

/** ConsentHub's own database, as ConsentHub uses it. */
export interface ConsentHubDatabase extends AsyncDisposable {
  /** By the patient's id or that of the linked contact. */
  findPatient(id: string): Promise<LinkedPatient | undefined>;
  /** The newest first. */
  listPatients(limit: number): Promise<{ patients: LinkedPatient[]; total: number }>;
  /** A new consent, active from now on. */
  grant(patientId: string, channel: Channel, expiry?: Expiry): Promise<CommittedConsent>;
  /** Ends the newest active consent of the channel; undefined if there is none. */
  revoke(patientId: string, channel: Channel): Promise<CommittedConsent | undefined>;
  /** All consents of a patient, and the database's time. */
  readConsents(patientId: string): Promise<{ consents: ConsentRow[]; now: Date }>;
}

const TIMEOUT_MS = 15_000;

const LINKED = `
  patients p
  left join dynamics_contacts c on c.organization_id = p.organization_id and c.patient_id = p.id
  where p.organization_id = $1`;

// Statements outside a transaction: each one is committed when its answer is there.
const FIND = `
  select p.id::text as "patientId", c.contact_id::text as "contactId"
  from ${LINKED} and (p.id = $2 or c.contact_id = $2)`;

const LIST = `
  select p.id::text as "patientId", c.contact_id::text as "contactId", count(*) over ()::int as total
  from ${LINKED}
  order by p.created_at desc, p.id
  limit $2`;

const GRANT = `
  insert into consents (organization_id, patient_id, consent_type, status, granted_at, expires_at)
  values ($1, $2, $3, 'active', now(),
    coalesce($4::timestamptz, now() + make_interval(secs => $5::double precision)))
  returning id::text as "consentId", granted_at as "decidedAt"`;

const REVOKE = `
  update consents
  set status = 'revoked', revoked_at = now(), updated_at = now()
  where id = (
    select id from consents
    where organization_id = $1 and patient_id = $2 and consent_type = $3 and status = 'active'
    order by granted_at desc nulls last, created_at desc
    limit 1
    for update
  )
  returning id::text as "consentId", revoked_at as "decidedAt"`;

const READ = `
  select k.id::text as id, k.consent_type::text as "consentType", k.status::text as status,
    k.granted_at as "grantedAt", k.expires_at as "expiresAt", k.revoked_at as "revokedAt",
    k.created_at as "createdAt", t.now
  from (select clock_timestamp() as now) t
  left join consents k on k.organization_id = $1 and k.patient_id = $2`;

/** Opens one connection for one organisation. */
export async function openConsentHubDatabase(
  databaseUrl: string,
  organizationId: string,
): Promise<ConsentHubDatabase> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  });
  await client.connect();
  const consentType = (channel: Channel): string => `marketing_${channel}`;
  return {
    async findPatient(id) {
      return (await client.query<LinkedPatient>(FIND, [organizationId, id])).rows[0];
    },
    async listPatients(limit) {
      type Listed = LinkedPatient & { readonly total: number };
      const { rows } = await client.query<Listed>(LIST, [organizationId, limit]);
      return {
        patients: rows.map(({ patientId, contactId }) => ({ patientId, contactId })),
        total: rows[0]?.total ?? 0,
      };
    },
    async grant(patientId, channel, expiry) {
      const at = expiry && 'at' in expiry ? expiry.at : null;
      const afterSeconds = expiry && 'afterSeconds' in expiry ? expiry.afterSeconds : null;
      const { rows } = await client.query<CommittedConsent>(GRANT, [
        organizationId,
        patientId,
        consentType(channel),
        at,
        afterSeconds,
      ]);
      if (rows[0] === undefined) throw new Error('the database inserted no consent');
      return rows[0];
    },
    async revoke(patientId, channel) {
      const values = [organizationId, patientId, consentType(channel)];
      return (await client.query<CommittedConsent>(REVOKE, values)).rows[0];
    },
    async readConsents(patientId) {
      type Read = (ConsentRow | { readonly id: null }) & { readonly now: Date };
      const { rows } = await client.query<Read>(READ, [organizationId, patientId]);
      const [first] = rows;
      if (first === undefined) throw new Error('the database did not tell the time');
      return { consents: rows.filter((row) => row.id !== null), now: first.now };
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
