-- Names and emails are compared without case and without the white space around them.
create or replace function dynamics_match_text(value text) returns text
language sql immutable
as $$
  select lower(btrim(value, E' \t\n\r\f\v' || chr(160)))
$$;

-- One row per contact that we know of: everything that must not be forgotten about the pair of a
-- contact in Dynamics and its patient. docs/protocol.md says who may write which column, and when.
create table if not exists dynamics_contacts (
  organization_id uuid not null references organizations (id),
  contact_id uuid not null,
  patient_id uuid references patients (id),
  former_patient_id uuid,
  -- Highest versionnumber of the contact that was applied; null while none was.
  version bigint,
  -- The mapped fields as last seen in Dynamics: the base of the three-way merge.
  seen jsonb,
  -- The consent fields that Dynamics is known to have; null if unknown.
  written jsonb,
  -- Tombstone: the contact was proven to be deleted.
  deleted_at timestamptz,
  -- ConsentHub has erased the patient: whoever this was is not made a patient again by an event.
  erased_at timestamptz,
  -- Raised by whoever makes the row due or changes what either side should show.
  revision bigint not null default 1,
  -- The two clocks: when the contact has to be read, and when it has to be written. Null: not.
  read_due_at timestamptz,
  write_due_at timestamptz,
  lease_token uuid,
  lease_until timestamptz,
  -- Until then a write of unknown outcome may still land in Dynamics.
  doubt_until timestamptz,
  attempts integer not null default 0,
  merged_into uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, contact_id)
);

create unique index if not exists dynamics_contacts_patient_key
  on dynamics_contacts (organization_id, patient_id) where patient_id is not null;

-- What is due, in order of its time: costs what is due, not what the table holds.
create index if not exists dynamics_contacts_due
  on dynamics_contacts (least(read_due_at, write_due_at))
  where read_due_at is not null or write_due_at is not null;

create index if not exists dynamics_contacts_former_patient
  on dynamics_contacts (organization_id, former_patient_id) where former_patient_id is not null;

-- Finds other contacts of the same person when a new one is matched with a patient.
create index if not exists dynamics_contacts_seen_email
  on dynamics_contacts (organization_id, dynamics_match_text(seen ->> 'email'))
  where deleted_at is null;
