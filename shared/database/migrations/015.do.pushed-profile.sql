-- What a write of a name, email or phone will show in Dynamics, recorded before it leaves: an array of
-- objects by field. It was written over `version`, so it ends with the next one that is read. Where
-- Dynamics shows one of these values it is ours, and not an edit that somebody made there.
alter table dynamics_contacts add column if not exists pushed jsonb;

create or replace function dynamics_patient_erased() returns trigger
language plpgsql as $$
begin
  update dynamics_contacts
  set patient_id = null, former_patient_id = null, seen = null, written = null, pushed = null,
    write_due_at = null, erased_at = now(),
    revision = revision + 1, updated_at = now()
  where organization_id = old.organization_id
    and (patient_id = old.id or former_patient_id = old.id);
  return old;
end
$$;

-- Replacing a function takes away what was set on it: see 008.do.patient-triggers.sql.
do $$
begin
  execute format(
    'alter function dynamics_patient_erased() security definer set search_path = %I, pg_temp',
    current_schema()
  );
end
$$;
