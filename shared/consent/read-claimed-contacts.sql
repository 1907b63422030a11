-- What the claimed rows, their patients and their consents say, now that nobody else can settle them.
-- $1: the same as for claim-contacts.sql
with recursive claimed as (
  select c.*
  from jsonb_to_recordset($1::jsonb) as i (organization_id uuid, contact_id uuid, token uuid)
  join dynamics_contacts c
    on c.organization_id = i.organization_id
    and c.contact_id = i.contact_id
    and c.lease_token = i.token
),
-- A master can be merged again: what was merged into what was merged counts too.
merged as (
  select c.organization_id, c.contact_id as master_id, m.contact_id,
    -- Deleted after the merge, as it is often done, it stands for its patient all the same.
    coalesce(m.patient_id, m.former_patient_id) as patient_id
  from claimed c
  join dynamics_contacts m
    on m.organization_id = c.organization_id and m.merged_into = c.contact_id
  union
  select r.organization_id, r.master_id, m.contact_id,
    coalesce(m.patient_id, m.former_patient_id)
  from merged r
  join dynamics_contacts m
    on m.organization_id = r.organization_id and m.merged_into = r.contact_id
)
select
  c.organization_id,
  c.contact_id,
  c.revision::text as revision,
  c.version::text as version,
  c.seen,
  c.pushed,
  c.written,
  c.merged_into,
  c.read_due_at is not null as read_due,
  c.attempts,
  p.id as patient_id,
  p.first_name::text as first_name,
  p.last_name::text as last_name,
  p.email::text as email,
  p.phone::text as phone,
  clock_timestamp() as now,
  dynamics_consents(c.organization_id, p.id) as consents,
  (
    select coalesce(jsonb_agg(dynamics_consents(m.organization_id, m.patient_id)), '[]')
    from merged m
    where m.organization_id = c.organization_id
      and m.master_id = c.contact_id
      and m.patient_id is not null
      and m.patient_id <> p.id
  ) as merged_consents
from claimed c
join patients p on p.id = c.patient_id
