-- Patients that a contact without one may belong to: unlinked ones, and that of a contact merged into it.
-- $1: [{organization_id, contact_id, first_name, last_name, email}], names and email trimmed and in
-- lower case, null where the contact has none.
-- own: ConsentHub itself had stored this contact's id with the patient.
-- merged: whose contact was merged into this one, at once or by way of others: of several the one whose
-- contact was known first, of two known at once the one with the lower id. moves_from: that contact, if
-- it is still linked to it.
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
  p.merged,
  p.moves_from,
  p.moves_from_revision::text as moves_from_revision,
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
-- Arms, each with an index of its own: an OR would read all patients of the organisation.
cross join lateral (
  select noted.*, true as own, false as merged, null::uuid as moves_from, null::bigint as moves_from_revision
  from patients noted
  where noted.organization_id = i.organization_id
    and nullif(noted.dynamics_contact_id::text, '') is not null
    and lower(noted.dynamics_contact_id::text) = i.contact_id::text
  union all
  select alike.*, false, false, null, null
  from patients alike
  where alike.organization_id = i.organization_id
    and nullif(alike.dynamics_contact_id::text, '') is null
    and dynamics_match_text(alike.email::text) = i.email
    and dynamics_match_text(alike.first_name::text) = i.first_name
    and dynamics_match_text(alike.last_name::text) = i.last_name
  union all
  (
    with recursive merged as (
      select m.contact_id
      from dynamics_contacts m
      where m.organization_id = i.organization_id and m.merged_into = i.contact_id
      union
      select m.contact_id
      from merged r
      join dynamics_contacts m
        on m.organization_id = i.organization_id and m.merged_into = r.contact_id
    )
    select theirs.*, false, true,
      case when c.patient_id is not null then c.contact_id end,
      case when c.patient_id is not null then c.revision end
    from merged m
    -- Each looked up by its key. Without the limits the planner may read all contacts of the organisation
    -- for every contact that is asked about: while a table is filled for the first time nobody has
    -- counted what is in it.
    cross join lateral (
      select known.* from dynamics_contacts known
      where known.organization_id = i.organization_id and known.contact_id = m.contact_id
      limit 1
    ) c
    cross join lateral (
      select linked.* from patients linked
      where linked.organization_id = i.organization_id
        and linked.id = coalesce(c.patient_id, c.former_patient_id)
      limit 1
    ) theirs
    where c.contact_id <> i.contact_id
      -- A former one that ConsentHub or another row has given to somebody else is not to be had.
      and (c.patient_id is not null or nullif(theirs.dynamics_contact_id::text, '') is null)
    order by c.created_at, c.contact_id
    limit 1
  )
) p
where not exists (
  select 1 from dynamics_contacts linked
  where linked.organization_id = i.organization_id
    and linked.patient_id = p.id
    and linked.contact_id is distinct from p.moves_from
)
