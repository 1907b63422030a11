-- ConsentHub's own tables, for an empty database. Where ConsentHub has made them already, with text
-- or with enum types, they are left exactly as they are.

create table if not exists organizations (
  id uuid primary key default gen_random_uuid(),
  name text,
  dynamics_org_id text unique,
  azure_tenant_id text,
  settings jsonb not null default '{}'
);

create table if not exists patients (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  dynamics_contact_id text,
  first_name text,
  last_name text,
  email text,
  phone text,
  date_of_birth date,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists consents (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  patient_id uuid not null references patients (id),
  consent_type text not null,
  status text not null default 'pending',
  granted_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  dynamics_sync_status text not null default 'pending',
  dynamics_synced_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists audit_logs (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid references organizations (id),
  patient_id uuid,
  consent_id uuid,
  user_id uuid,
  action text not null,
  old_values jsonb,
  new_values jsonb,
  "timestamp" timestamptz not null default now(),
  checksum text
);
