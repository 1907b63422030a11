-- SHA-256 over id, action, time (UTC, three decimals) and the canonical JSON of new_values, joined
-- without a separator: what ConsentHub computes for its own audit rows.
create or replace function dynamics_audit_checksum(
  id uuid, action text, at timestamptz, new_values text
) returns text
language sql stable
as $$
  select encode(
    sha256(
      convert_to(
        id::text || action
          || to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
          || coalesce(new_values, 'null'),
        'UTF8'
      )
    ),
    'hex'
  )
$$;

-- Where ConsentHub keeps its actions in an enum type, the type learns the ones of the way back.
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
    'consent_granted', 'consent_revoked', 'consent_expired', 'sync_requested'
  ] loop
    execute format('alter type %s add value if not exists %L', action_type, label);
  end loop;
end
$$;
