-- A patient changed by ConsentHub makes its row due in ConsentHub's own transaction: an outbox that
-- no crash and no lost message can empty. Our own statements say so with
-- consenthub_dynamics.own_write and stay silent, or the loop would never settle.
create or replace function dynamics_patient_changed() returns trigger
language plpgsql as $$
begin
  update dynamics_contacts
  set revision = revision + 1,
    -- The grace period leaves the ringing to ConsentHub's own event; without one the sweep rings. A
    -- patient who is not linked any more has nothing to write, but a restore that is under way has to
    -- see the change.
    write_due_at = case
      when patient_id = new.id then least(write_due_at, now() + interval '30 seconds')
      else write_due_at
    end,
    updated_at = now()
  where organization_id = new.organization_id
    and (patient_id = new.id or former_patient_id = new.id);
  return null;
end
$$;

create or replace trigger dynamics_patient_changed
  after update on patients
  for each row
  when (
    current_setting('consenthub_dynamics.own_write', true) is distinct from 'on'
    and (old.first_name, old.last_name, old.email, old.phone)
      is distinct from (new.first_name, new.last_name, new.email, new.phone)
  )
  execute function dynamics_patient_changed();

-- A patient erased by ConsentHub is forgotten here too: the link, and what Dynamics showed of the
-- person; that it was erased is remembered. Whoever is applying the contact at this moment misses the revision and reads again.
create or replace function dynamics_patient_erased() returns trigger
language plpgsql as $$
begin
  update dynamics_contacts
  set patient_id = null, former_patient_id = null, seen = null, written = null,
    write_due_at = null, erased_at = now(),
    revision = revision + 1, updated_at = now()
  where organization_id = old.organization_id
    and (patient_id = old.id or former_patient_id = old.id);
  return old;
end
$$;

create or replace trigger dynamics_patient_erased
  before delete on patients
  for each row execute function dynamics_patient_erased();

-- They run in ConsentHub's transactions, whose role need not know our table, and whatever its
-- search_path is.
do $$
declare
  name text;
begin
  foreach name in array array['dynamics_patient_changed()', 'dynamics_patient_erased()'] loop
    execute format(
      'alter function %s security definer set search_path = %I, pg_temp', name, current_schema()
    );
  end loop;
end
$$;
