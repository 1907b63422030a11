import { Pool } from 'pg';
import { commitChange, publishChange } from '../consent/change-consent.ts';
import { openConsentHubDatabase } from '../consent/consenthub-database.ts';
import type { RunningStack } from '../consent/running-stack.ts';
import type { AuditView, Channel, ConsentView, DueView, PatientView, StateView } from './view.ts';

/** ConsentHub, as its database shows it and as itself. */
export interface ConsentHubSide {
  /** @throws while the database does not answer */
  read(): Promise<NonNullable<StateView['consentHub']>>;
  /** Commits, then publishes, as ConsentHub does. */
  grant(patientId: string, channel: Channel, expiresAfterSeconds?: number): Promise<void>;
  /** @throws CommandError if there is nothing to revoke */
  revoke(patientId: string, channel: Channel): Promise<void>;
  close(): Promise<void>;
}

const MAX_SHOWN = 20;
const MAX_AUDIT_ROWS = 30;
const TIMEOUT_MS = 5000;

// The newest consent of each channel: what decides, and what people look for.
const PATIENTS = `
  select p.id::text as "patientId", c.contact_id::text as "contactId",
    coalesce(p.first_name, '') as "firstName", coalesce(p.last_name, '') as "lastName",
    coalesce(p.email, '') as email, coalesce(p.phone, '') as phone,
    coalesce(k.consents, '[]') as consents, count(*) over ()::int as total
  from patients p
  left join dynamics_contacts c on c.organization_id = p.organization_id and c.patient_id = p.id
  left join lateral (
    select json_agg(n order by n.channel) as consents
    from (
      select distinct on (consent_type) id::text as "consentId",
        replace(consent_type::text, 'marketing_', '') as channel,
        status::text as status, expires_at as "expiresAt"
      from consents
      where organization_id = p.organization_id and patient_id = p.id
      order by consent_type, coalesce(revoked_at, granted_at, created_at) desc
    ) n
  ) k on true
  where p.organization_id = $1
  order by p.created_at desc, p.id
  limit $2`;

const DUE = `
  select contact_id::text as "contactId", read_due_at as "readDueAt", write_due_at as "writeDueAt",
    attempts, count(*) over ()::int as total
  from dynamics_contacts
  where organization_id = $1 and (read_due_at is not null or write_due_at is not null)
  order by least(read_due_at, write_due_at)
  limit $2`;

const AUDIT = `
  select id::text, "timestamp" as at, action::text, coalesce(outcome, '') as outcome,
    coalesce(source, '') as source, patient_id::text as "patientId",
    coalesce(new_values::text, '') as details, count(*) over ()::int as total
  from audit_logs
  where organization_id = $1
  order by "timestamp" desc, id
  limit $2`;

interface Times {
  readonly total: number;
}
type PatientRow = PatientView & Times & { readonly consents: readonly ConsentView[] };
type DueRow = Omit<DueView, 'readDueAt' | 'writeDueAt'> &
  Times & { readonly readDueAt: Date | null; readonly writeDueAt: Date | null };
type AuditRow = Omit<AuditView, 'at'> & Times & { readonly at: Date };

export function consentHubSide(stack: RunningStack): ConsentHubSide {
  const { databaseUrl, organizationId } = stack;
  const pool = new Pool({
    connectionString: databaseUrl,
    max: 1,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  });
  // A database that is crashed on purpose takes its idle connections with it; the next read says so.
  pool.on('error', () => undefined);

  async function change(
    patientId: string,
    request: { action: 'grant' | 'revoke'; channel: Channel; expiry?: { afterSeconds: number } },
  ): Promise<void> {
    await using database = await openConsentHubDatabase(databaseUrl, organizationId);
    const committed = await commitChange(request, patientId, database);
    await publishChange(request.action, patientId, committed, stack);
  }

  return {
    async read() {
      const patients = await pool.query<PatientRow>(PATIENTS, [organizationId, MAX_SHOWN]);
      const due = await pool.query<DueRow>(DUE, [organizationId, MAX_SHOWN]);
      const audit = await pool.query<AuditRow>(AUDIT, [organizationId, MAX_AUDIT_ROWS]);
      return {
        patients: listed(patients.rows, ({ total: _total, ...patient }) => patient),
        due: listed(due.rows, ({ total: _total, readDueAt, writeDueAt, ...row }) => ({
          ...row,
          readDueAt: readDueAt?.toISOString() ?? null,
          writeDueAt: writeDueAt?.toISOString() ?? null,
        })),
        audit: listed(audit.rows, ({ total: _total, at, ...row }) => ({
          ...row,
          at: at.toISOString(),
        })),
      };
    },
    grant: (patientId, channel, afterSeconds) =>
      change(patientId, {
        action: 'grant',
        channel,
        ...(afterSeconds !== undefined && { expiry: { afterSeconds } }),
      }),
    revoke: (patientId, channel) => change(patientId, { action: 'revoke', channel }),
    close: () => pool.end(),
  };
}

function listed<Row extends Times, View>(rows: readonly Row[], view: (row: Row) => View) {
  return { shown: rows.map(view), total: rows[0]?.total ?? 0 };
}
