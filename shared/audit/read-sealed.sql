-- Seals and what they seal, by number; id is null where the audit row is gone. Times are UTC.
-- $1: after this number, $2: up to this one
select
  s.number, s.audit_id::text as audit_id, encode(s.row_hash, 'hex') as row_hash,
  encode(s.chain, 'hex') as chain,
  to_char(s.sealed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as sealed_at,
  a.id::text as id, a.organization_id::text as organization_id, a.patient_id::text as patient_id,
  a.consent_id::text as consent_id, a.user_id::text as user_id, a.action::text as action,
  a.old_values::text as old_values, a.new_values::text as new_values,
  coalesce(
    nullif(
      to_char(
        a."timestamp"::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
      ),
      ''
    ),
    a."timestamp"::text
  ) as "timestamp",
  a.checksum::text as checksum, a.event_id::text as event_id, a.source::text as source,
  a.outcome::text as outcome
from audit_seals s
left join audit_logs a on a.id = s.audit_id
where s.number > $1 and s.number <= $2
order by s.number
