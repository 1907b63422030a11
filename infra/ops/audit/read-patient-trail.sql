-- What is on record about one patient: rows that name the patient, and writes to Dynamics that cover one of
-- the patient's events, as those to the master of a merged contact do. Times are UTC.
-- $1: patient
-- $2: run of the operator whose own rows are left out
with events as (
  select array_agg(a.event_id) as ids
  from audit_logs a
  where a.patient_id = $1::uuid and a.event_id is not null
)
select
  seal_columns,
  encode(p.chain, 'hex') as previous_chain,
  exists (select from audit_unsealed u where u.audit_id = a.id) as queued,
  sealable_columns
from audit_logs a
cross join events e
left join audit_seals s on s.audit_id = a.id
left join audit_seals p on p.number = s.number - 1
where (a.patient_id = $1::uuid and a.new_values ->> 'runId' is distinct from $2)
  or (a.action::text = 'dynamics_sync' and a.new_values -> 'eventIds' ?| e.ids)
order by a."timestamp", s.number, a.id
