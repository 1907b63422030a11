-- What ConsentHub says of contacts: their rows, patients and consents. One statement, so that all of it is
-- of one moment.
-- $1: organisation. $2: ids of contacts, as JSON.
with recursive asked as (
  select c.*
  from jsonb_array_elements_text($2::jsonb) as i (contact_id)
  join dynamics_contacts c
    on c.organization_id = $1::uuid and c.contact_id = i.contact_id::uuid
),
-- As in read-claimed-contacts.sql: what was merged into what was merged counts too.
merged as (
  select a.contact_id as master_id, m.contact_id,
    coalesce(m.patient_id, m.former_patient_id) as patient_id
  from asked a
  join dynamics_contacts m on m.organization_id = $1::uuid and m.merged_into = a.contact_id
  union
  select r.master_id, m.contact_id, coalesce(m.patient_id, m.former_patient_id)
  from merged r
  join dynamics_contacts m on m.organization_id = $1::uuid and m.merged_into = r.contact_id
)
select
  c.contact_id,
  c.revision::text as revision,
  c.version::text as version,
  c.deleted_at is not null as deleted,
  c.erased_at is not null as erased,
  c.merged_into,
  c.seen,
  c.attempts,
  (
    c.read_due_at is not null
    or coalesce(c.lease_until > now(), false)
    or c.doubt_until is not null
    or (
      c.patient_id is not null
      and c.write_due_at is not null
      -- A clock far ahead waits for the end of a consent, unless nothing was written yet: the first
      -- writes after an import are spread over hours.
      and (c.written is null or c.write_due_at <= now() + interval '10 minutes')
    )
    or c.updated_at > now() - interval '5 seconds'
  ) as in_progress,
  p.id as patient_id,
  lower(nullif(p.dynamics_contact_id::text, '')) as noted_contact_id,
  p.first_name::text as first_name,
  p.last_name::text as last_name,
  p.email::text as email,
  p.phone::text as phone,
  exists (
    select 1 from consents k
    where k.patient_id = p.id
      and k.organization_id = $1::uuid
      and dynamics_is_marketing(k.consent_type::text)
      and k.dynamics_sync_status::text is distinct from 'synced'
  ) as unmarked,
  clock_timestamp() as now,
  dynamics_consents($1::uuid, p.id) as consents,
  (
    select coalesce(jsonb_agg(dynamics_consents($1::uuid, m.patient_id)), '[]')
    from merged m
    where m.master_id = c.contact_id
      and m.patient_id is not null
      and m.patient_id <> p.id
  ) as merged_consents
from asked c
left join patients p on p.organization_id = $1::uuid and p.id = c.patient_id
