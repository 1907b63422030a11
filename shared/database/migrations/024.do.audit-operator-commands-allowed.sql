-- As in 014: where a CHECK of ConsentHub's restricts the actions, it has to allow commands of operators.
-- Better a deploy that stops than a command that cannot be recorded.
do $$
begin
  insert into audit_logs (
    id, organization_id, patient_id, consent_id, user_id, action, old_values, new_values, "timestamp",
    checksum
  )
  select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
    gen_random_uuid(), r.action, '{}', '{}', now(), ''
  from jsonb_populate_record(null::audit_logs, '{"action":"operator_command"}') r;
  -- It was allowed: undone like everything in this block.
  raise exception 'allowed';
exception
  when check_violation then
    raise exception 'a CHECK on audit_logs refuses the action operator_command'
      using errcode = 'check_violation',
        hint = 'Add the action to the constraint and run the migrations again.';
  when others then
    null;
end
$$;
