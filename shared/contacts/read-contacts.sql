-- What we hold of the contacts of a batch, before Dynamics is asked about them.
-- $1: [{dataverse_organization_id, contact_id}]
-- The patient is the linked one or, while unlinked, the former one if it is still free.
select
  i.dataverse_organization_id,
  i.contact_id,
  o.id as organization_id,
  c.revision::text as revision,
  c.version::text as version,
  c.seen,
  c.pushed,
  -- While a write is under way, or may still land, nobody knows what Dynamics has.
  case when c.lease_token is null and c.doubt_until is null then c.written end as written,
  coalesce(c.lease_until > now(), false) as leased,
  c.merged_into,
  c.deleted_at is not null as deleted,
  c.read_due_at is not null as read_due,
  c.attempts,
  c.erased_at is not null as erased,
  c.patient_id is not null as linked,
  c.former_patient_id,
  p.id as patient_id,
  p.first_name::text as first_name,
  p.last_name::text as last_name,
  p.email::text as email,
  p.phone::text as phone
from jsonb_to_recordset($1::jsonb) as i (dataverse_organization_id uuid, contact_id uuid)
left join organizations o
  on lower(o.dynamics_org_id::text) = i.dataverse_organization_id::text
left join dynamics_contacts c
  on c.organization_id = o.id and c.contact_id = i.contact_id
left join patients p
  on p.organization_id = o.id
  and p.id = coalesce(c.patient_id, c.former_patient_id)
  and (
    c.patient_id is not null
    or (
      (nullif(p.dynamics_contact_id::text, '') is null or lower(p.dynamics_contact_id::text) = i.contact_id::text)
      and not exists (
        select 1 from dynamics_contacts other
        where other.organization_id = o.id and other.patient_id = c.former_patient_id
      )
    )
  )
