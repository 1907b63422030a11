-- What this project adds to the audit trail. Nullable: ConsentHub's own rows do not have them.
alter table audit_logs add column if not exists event_id text;
alter table audit_logs add column if not exists source text;
alter table audit_logs add column if not exists outcome text;

-- Where ConsentHub keeps its actions in an enum type, the type learns ours.
do $$
declare
  action_type regtype;
  label text;
begin
  select a.atttypid::regtype into action_type
  from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  where a.attrelid = 'audit_logs'::regclass and a.attname = 'action' and t.typtype = 'e';
  if action_type is null then
    return;
  end if;
  foreach label in array array[
    'patient_created', 'patient_updated', 'patient_linked', 'patient_unlinked', 'dynamics_sync',
    'consent_granted', 'consent_revoked', 'consent_expired', 'sync_requested'
  ] loop
    execute format('alter type %s add value if not exists %L', action_type, label);
  end loop;
end
$$;
