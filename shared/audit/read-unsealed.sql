-- Rows that wait for their seal, those that came first first. Times are UTC.
-- $1: how many at the most
select
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
  a.outcome::text as outcome,
  -- Queued once more: it must not keep the others waiting.
  s.number is not null as sealed
from audit_unsealed u
-- Row by row, each by its index: a join of the tables as a whole would read all that was ever sealed.
cross join lateral (select * from audit_logs a where a.id = u.audit_id limit 1) a
left join lateral (select s.number from audit_seals s where s.audit_id = u.audit_id limit 1) s
  on true
order by u.position
limit $1
