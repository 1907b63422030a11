-- Unlinked patients that a contact without a patient may belong to.
-- $1: [{organization_id, contact_id, first_name, last_name, email}], names and email trimmed and in
-- lower case, null where the contact has none.
-- own: ConsentHub itself had stored this contact's id with the patient.
-- rivals: other contacts of the organisation, known and alive, with the same name and email.
select
  i.organization_id,
  i.contact_id,
  p.id as patient_id,
  p.first_name::text as first_name,
  p.last_name::text as last_name,
  p.email::text as email,
  p.phone::text as phone,
  p.dynamics_contact_id is not null as own,
  (
    select count(*)::int from dynamics_contacts rival
    where rival.organization_id = i.organization_id
      and rival.contact_id <> i.contact_id
      and rival.deleted_at is null
      and lower(btrim(rival.seen ->> 'email')) = i.email
      and lower(btrim(rival.seen ->> 'firstName')) = i.first_name
      and lower(btrim(rival.seen ->> 'lastName')) = i.last_name
  ) as rivals
from jsonb_to_recordset($1::jsonb) as i (
  organization_id uuid, contact_id uuid, first_name text, last_name text, email text
)
join patients p
  on p.organization_id = i.organization_id
  and (
    lower(p.dynamics_contact_id::text) = i.contact_id::text
    or (
      p.dynamics_contact_id is null
      and lower(btrim(p.email::text)) = i.email
      and lower(btrim(p.first_name::text)) = i.first_name
      and lower(btrim(p.last_name::text)) = i.last_name
    )
  )
where not exists (
  select 1 from dynamics_contacts linked
  where linked.organization_id = p.organization_id and linked.patient_id = p.id
)
