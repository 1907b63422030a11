-- The patient of a merged contact stays with it until ConsentHub merges the patients; until then its
-- consents count for the master's contact too (docs/protocol.md, "Merged contacts").

-- The marketing consents of a patient.
create or replace function dynamics_consents(organization uuid, patient uuid) returns jsonb
language sql stable
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'id', k.id,
        'consentType', k.consent_type,
        'status', k.status,
        -- 'infinity' is a time to PostgreSQL and to nobody else: it never comes.
        'grantedAt', case when isfinite(k.granted_at) then k.granted_at end,
        'expiresAt', case when isfinite(k.expires_at) then k.expires_at end,
        'revokedAt', case when isfinite(k.revoked_at) then k.revoked_at end,
        'createdAt', case when isfinite(k.created_at) then k.created_at end
      )
    ),
    '[]'
  )
  from consents k
  where k.patient_id = patient
    and k.organization_id = organization
    and dynamics_is_marketing(k.consent_type::text)
$$;

-- The contacts that a contact was merged into, one after the other; `union` ends what goes in a circle.
create or replace function dynamics_masters(organization uuid, master uuid) returns setof uuid
language sql stable
as $$
  with recursive masters as (
    select master as contact_id where master is not null
    union
    select c.merged_into
    from masters m
    join dynamics_contacts c on c.organization_id = organization and c.contact_id = m.contact_id
    where c.merged_into is not null
  )
  select contact_id from masters
$$;

-- Masters have something else to show: those that are linked are due to be written at once.
create or replace function dynamics_make_masters_due(organization uuid, master uuid) returns void
language sql
as $$
  with masters as materialized (
    select c.contact_id
    from dynamics_contacts c
    where c.organization_id = organization
      and c.contact_id in (select dynamics_masters(organization, master))
    -- In the order in which everybody locks rows.
    order by c.contact_id
    for update
  )
  update dynamics_contacts c
  set revision = c.revision + 1,
    write_due_at = case
      when c.patient_id is not null then least(c.write_due_at, now()) else c.write_due_at
    end,
    updated_at = now()
  from masters m
  where c.organization_id = organization and c.contact_id = m.contact_id
$$;

-- As before, and for the masters of the patient's contact: at once, because the event that would spare them
-- a ring of the sweep names another patient than theirs.
create or replace function dynamics_make_write_due(organization uuid, patient uuid) returns void
language sql
as $$
  with own as materialized (
    select c.contact_id, c.merged_into
    from dynamics_contacts c
    where c.organization_id = organization
      and (c.patient_id = patient or c.former_patient_id = patient)
  ),
  concerned as materialized (
    select contact_id from own
    union
    select m from own cross join lateral dynamics_masters(organization, own.merged_into) m
  ),
  locked as materialized (
    select c.contact_id
    from dynamics_contacts c
    where c.organization_id = organization
      and c.contact_id in (select contact_id from concerned)
      and c.patient_id is not null
    -- In the order in which everybody locks rows.
    order by c.contact_id
    for update
  )
  update dynamics_contacts c
  set revision = c.revision + 1,
    write_due_at = case
      -- The grace period leaves the ringing to ConsentHub's own event; without one the sweep rings.
      when c.patient_id = patient then least(c.write_due_at, now() + interval '30 seconds')
      else least(c.write_due_at, now())
    end,
    updated_at = now()
  from locked l
  where c.organization_id = organization and c.contact_id = l.contact_id
    and c.patient_id is not null
$$;

-- A contact becomes a merged one, or is none any more, or its patient comes or goes: whatever it was or is
-- merged into shows something else. A master that nobody knows yet has to be read.
create or replace function dynamics_contact_merged() returns trigger
language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    perform dynamics_make_masters_due(old.organization_id, old.merged_into)
    where old.merged_into is distinct from new.merged_into;
  end if;
  if new.merged_into is not null then
    insert into dynamics_contacts (organization_id, contact_id, read_due_at)
    values (new.organization_id, new.merged_into, now())
    on conflict (organization_id, contact_id) do nothing;
    perform dynamics_make_masters_due(new.organization_id, new.merged_into);
  end if;
  return null;
end
$$;

create or replace trigger dynamics_contact_merged_new
  after insert on dynamics_contacts
  for each row
  when (new.merged_into is not null)
  execute function dynamics_contact_merged();

create or replace trigger dynamics_contact_merged
  after update of merged_into, patient_id, former_patient_id on dynamics_contacts
  for each row
  when (
    (old.merged_into is not null or new.merged_into is not null)
    and (old.merged_into, old.patient_id, old.former_patient_id)
      is distinct from (new.merged_into, new.patient_id, new.former_patient_id)
  )
  execute function dynamics_contact_merged();

-- They run in ConsentHub's transactions, whose role need not know our table, and whatever its
-- search_path is.
do $$
declare
  name text;
begin
  foreach name in array array[
    'dynamics_masters(uuid, uuid)', 'dynamics_make_masters_due(uuid, uuid)',
    'dynamics_make_write_due(uuid, uuid)', 'dynamics_contact_merged()'
  ] loop
    execute format(
      'alter function %s security definer set search_path = %I, pg_temp', name, current_schema()
    );
  end loop;
end
$$;
