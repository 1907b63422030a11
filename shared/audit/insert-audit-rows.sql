-- Adds audit rows; a second row for the same event is dropped.
-- $1: [{organization_id, …AuditRow}], see audit-row.ts
with rows as (
  select e.*, date_trunc('milliseconds', now()) as at
  from jsonb_to_recordset($1::jsonb) as e (
    organization_id uuid, id uuid, patient_id uuid, consent_id uuid, event_id text, action text,
    source text, outcome text, new_values text
  )
)
insert into audit_logs (
  id, organization_id, patient_id, consent_id, action, new_values, "timestamp", checksum,
  event_id, source, outcome
)
select
  a.id, a.organization_id, a.patient_id, a.consent_id, r.action, a.new_values::jsonb, a.at,
  dynamics_audit_checksum(a.id, a.action, a.at, a.new_values), a.event_id, a.source, a.outcome
from rows a
cross join lateral jsonb_populate_record(
  null::audit_logs, jsonb_build_object('action', a.action)
) r
on conflict (event_id) where event_id is not null do nothing
