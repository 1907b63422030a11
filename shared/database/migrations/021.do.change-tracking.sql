-- How far the contacts of an organisation were read with change tracking. There are four states: nothing
-- was read yet (no link, no full read); a full read lists all contacts (full_read_at alone); it has
-- listed them, and those that it did not list have to be asked about (both); changes are followed (link
-- alone).
create table if not exists dynamics_change_tracking (
  organization_id uuid primary key references organizations (id),
  -- Whose links these are: they are of no use in another one.
  dataverse_organization_id uuid not null,
  -- What leads to the changes since then; path and query, without personal data.
  link text,
  -- The page after the last one that was applied; null: the first one.
  next_page text,
  -- Since when a full read is under way.
  full_read_at timestamptz,
  -- Contacts that the last full read has listed, and linked to a patient.
  listed bigint not null default 0,
  linked bigint not null default 0,
  -- When everything had been read for the first time.
  imported_at timestamptz,
  -- When the changes had last been read to their end.
  finished_at timestamptz,
  -- What keeps it from going on, for an administrator to mend: see shared/reconcile/tracking-problem.ts.
  problem text,
  -- One run at a time.
  lease_token uuid,
  lease_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- When the contact was last on a page of a full read, or was made due because it was on none. A row that
-- is older than this column counts as seen now, which is only kind to it.
alter table dynamics_contacts
  add column if not exists listed_at timestamptz not null default now();
