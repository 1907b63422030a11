-- Where ConsentHub restricts its actions by a CHECK instead of an enum type, the constraint has to know
-- ours; it is ConsentHub's, so it is not changed here. Better a deploy that stops than deletions and
-- restores that cannot be recorded.
do $$
declare
  label text;
begin
  foreach label in array array[
    'patient_created', 'patient_updated', 'patient_linked', 'patient_unlinked', 'dynamics_sync',
    'consent_granted', 'consent_revoked', 'consent_expired', 'sync_requested'
  ] loop
    begin
      insert into audit_logs (
        id, organization_id, patient_id, consent_id, user_id, action, old_values, new_values, "timestamp",
        checksum
      )
      select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
        gen_random_uuid(), r.action, '{}', '{}', now(), ''
      from jsonb_populate_record(null::audit_logs, jsonb_build_object('action', label)) r;
      -- It was allowed: undone like everything in this block.
      raise exception 'allowed';
    exception
      when check_violation then
        raise exception 'a CHECK on audit_logs refuses the action %', label
          using errcode = 'check_violation',
            hint = 'Add the action to the constraint and run the migrations again.';
      when others then
        null;
    end;
  end loop;
end
$$;
