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
  p.own,
  (
    select count(*)::int from dynamics_contacts rival
    where rival.organization_id = i.organization_id
      and rival.contact_id <> i.contact_id
      and rival.deleted_at is null
      and dynamics_match_text(rival.seen ->> 'email') = i.email
      and dynamics_match_text(rival.seen ->> 'firstName') = i.first_name
      and dynamics_match_text(rival.seen ->> 'lastName') = i.last_name
  ) as rivals
from jsonb_to_recordset($1::jsonb) as i (
  organization_id uuid, contact_id uuid, first_name text, last_name text, email text
)
-- Two arms, each with an index of its own: an OR would read all patients of the organisation.
cross join lateral (
  select noted.*, true as own
  from patients noted
  where noted.organization_id = i.organization_id
    and nullif(noted.dynamics_contact_id::text, '') is not null
    and lower(noted.dynamics_contact_id::text) = i.contact_id::text
  union all
  select alike.*, false as own
  from patients alike
  where alike.organization_id = i.organization_id
    and nullif(alike.dynamics_contact_id::text, '') is null
    and dynamics_match_text(alike.email::text) = i.email
    and dynamics_match_text(alike.first_name::text) = i.first_name
    and dynamics_match_text(alike.last_name::text) = i.last_name
) p
where not exists (
  select 1 from dynamics_contacts linked
  where linked.organization_id = i.organization_id and linked.patient_id = p.id
)
