-- Audit rows can be added and read, never changed or taken away, whoever asks.
create or replace function dynamics_refuse_audit_change() returns trigger
language plpgsql as $$
begin
  raise exception 'audit_logs is append-only: % is refused', tg_op
    using errcode = 'insufficient_privilege',
      hint = 'Add a row that corrects the record instead.';
end
$$;

-- For each statement: one that matches no row is refused as well.
create or replace trigger dynamics_audit_append_only
  before update or delete or truncate on audit_logs
  for each statement execute function dynamics_refuse_audit_change();
