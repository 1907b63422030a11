-- ConsentHub's outbox: a consent of the four marketing channels that changes makes the row of its
-- patient due, in ConsentHub's own transaction, whether or not it ever sends a message. Our own
-- statements say so with consenthub_dynamics.own_write and stay silent.
create or replace function dynamics_is_marketing(consent_type text) returns boolean
language sql immutable
as $$
  select consent_type in ('marketing_email', 'marketing_sms', 'marketing_phone', 'marketing_mail')
$$;

create or replace function dynamics_make_write_due(organization uuid, patient uuid) returns void
language sql
as $$
  update dynamics_contacts
  set revision = revision + 1,
    -- The grace period leaves the ringing to ConsentHub's own event; without one the sweep rings.
    write_due_at = least(write_due_at, now() + interval '30 seconds'),
    updated_at = now()
  where organization_id = organization and patient_id = patient
$$;

create or replace function dynamics_consent_pending() returns trigger
language plpgsql as $$
begin
  new.dynamics_sync_status := 'pending';
  return new;
end
$$;

create or replace trigger dynamics_consent_inserted
  before insert on consents
  for each row
  when (
    current_setting('consenthub_dynamics.own_write', true) is distinct from 'on'
    and dynamics_is_marketing(new.consent_type::text)
  )
  execute function dynamics_consent_pending();

create or replace trigger dynamics_consent_updated
  before update on consents
  for each row
  when (
    current_setting('consenthub_dynamics.own_write', true) is distinct from 'on'
    and (
      dynamics_is_marketing(new.consent_type::text)
      or dynamics_is_marketing(old.consent_type::text)
    )
    and (
      old.patient_id, old.consent_type, old.status, old.granted_at, old.expires_at, old.revoked_at
    ) is distinct from (
      new.patient_id, new.consent_type, new.status, new.granted_at, new.expires_at, new.revoked_at
    )
  )
  execute function dynamics_consent_pending();

create or replace function dynamics_consent_changed() returns trigger
language plpgsql as $$
begin
  if tg_op <> 'INSERT' and dynamics_is_marketing(old.consent_type::text) then
    perform dynamics_make_write_due(old.organization_id, old.patient_id);
  end if;
  if tg_op <> 'DELETE' and dynamics_is_marketing(new.consent_type::text)
    and (tg_op = 'INSERT' or new.patient_id <> old.patient_id
      or not dynamics_is_marketing(old.consent_type::text))
  then
    perform dynamics_make_write_due(new.organization_id, new.patient_id);
  end if;
  return null;
end
$$;

create or replace trigger dynamics_consent_added
  after insert or delete on consents
  for each row
  when (current_setting('consenthub_dynamics.own_write', true) is distinct from 'on')
  execute function dynamics_consent_changed();

create or replace trigger dynamics_consent_changed
  after update on consents
  for each row
  when (
    current_setting('consenthub_dynamics.own_write', true) is distinct from 'on'
    and (
      old.patient_id, old.consent_type, old.status, old.granted_at, old.expires_at, old.revoked_at
    ) is distinct from (
      new.patient_id, new.consent_type, new.status, new.granted_at, new.expires_at, new.revoked_at
    )
  )
  execute function dynamics_consent_changed();

-- They run in ConsentHub's transactions, whose role need not know our table, and whatever its
-- search_path is.
do $$
declare
  name text;
begin
  foreach name in array array[
    'dynamics_consent_changed()', 'dynamics_make_write_due(uuid, uuid)'
  ] loop
    execute format(
      'alter function %s security definer set search_path = %I, pg_temp', name, current_schema()
    );
  end loop;
end
$$;
