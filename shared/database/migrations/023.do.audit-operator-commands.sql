-- What the people on call do by command is on record. As in 002: where ConsentHub keeps its actions in an
-- enum type, the type learns this one.
do $$
declare
  action_type regtype;
begin
  select a.atttypid::regtype into action_type
  from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  where a.attrelid = 'audit_logs'::regclass and a.attname = 'action' and t.typtype = 'e';
  if action_type is not null then
    execute format('alter type %s add value if not exists %L', action_type, 'operator_command');
  end if;
end
$$;
