-- Audit rows can be added and read, never changed or taken away, whoever asks.
create or replace function dynamics_refuse_audit_change() returns trigger
language plpgsql as $$
begin
  raise exception 'audit_logs is append-only: % is refused', tg_op
    using errcode = 'insufficient_privilege',
      hint = 'Add a row that corrects the record instead.';
end
$$;

-- For each row: a foreign key of ConsentHub's that clears a column runs an update of no rows at all,
-- which changes nothing and must not make a patient impossible to delete.
create or replace trigger dynamics_audit_append_only
  before update or delete on audit_logs
  for each row execute function dynamics_refuse_audit_change();

create or replace trigger dynamics_audit_not_emptied
  before truncate on audit_logs
  for each statement execute function dynamics_refuse_audit_change();
