-- Audit rows are sealed by a chain that is keyed outside the database (docs/decisions/0016-sealed-audit-trail.md).
create table if not exists audit_seals (
  -- 1, 2, 3 …: a gap is a seal that was taken away.
  number bigint primary key,
  audit_id uuid not null unique,
  -- HMAC-SHA256 over all columns of the audit row.
  row_hash bytea not null,
  -- HMAC-SHA256 over this seal and the chain of the one before it.
  chain bytea not null,
  sealed_at timestamptz not null
);

-- What waits for its seal, in the order in which it came: what is committed late is not overlooked, and
-- nobody has to search millions of sealed rows for the few that are not.
create table if not exists audit_unsealed (
  position bigint generated always as identity primary key,
  audit_id uuid not null unique,
  queued_at timestamptz not null default now()
);

create or replace function dynamics_queue_for_seal() returns trigger
language plpgsql as $$
begin
  insert into audit_unsealed (audit_id)
  select i.id from inserted i
  on conflict (audit_id) do nothing;
  return null;
end
$$;

-- It runs in ConsentHub's transactions, whose role need not know our table, and whatever its
-- search_path is.
do $$
begin
  execute format(
    'alter function dynamics_queue_for_seal() security definer set search_path = %I, pg_temp',
    current_schema()
  );
end
$$;

create or replace trigger dynamics_audit_queued
  after insert on audit_logs
  referencing new table as inserted
  for each statement execute function dynamics_queue_for_seal();

create or replace function dynamics_refuse_seal_change() returns trigger
language plpgsql as $$
begin
  raise exception 'audit_seals is append-only: % is refused', tg_op
    using errcode = 'insufficient_privilege';
end
$$;

create or replace trigger dynamics_seals_append_only
  before update or delete on audit_seals
  for each row execute function dynamics_refuse_seal_change();

create or replace trigger dynamics_seals_not_emptied
  before truncate on audit_seals
  for each statement execute function dynamics_refuse_seal_change();
