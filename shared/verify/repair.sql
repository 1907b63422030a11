-- Makes contacts due in which both sides were found to differ, and sets the link that a patient lacks.
-- A row that has changed since it was compared is left alone: somebody is at work on it.
-- $1: organisation
-- $2: [{contact_id, revision, read, write, forget, link, due_seconds, audit}], revision null where there
-- was no row. forget: what was written is not what Dynamics has.
with asked as materialized (
  select * from jsonb_to_recordset($2::jsonb) as a (
    contact_id uuid, revision bigint, read boolean, write boolean, forget boolean, link boolean,
    due_seconds integer, audit jsonb
  )
),
-- Patients before their rows, as everybody locks them.
patients_locked as materialized (
  select p.id
  from asked a
  join dynamics_contacts c on c.organization_id = $1::uuid and c.contact_id = a.contact_id
  join patients p on p.organization_id = $1::uuid and p.id = c.patient_id
  where a.link
  order by p.id
  for no key update of p
),
locked as materialized (
  select c.contact_id, c.patient_id
  from asked a
  join dynamics_contacts c on c.organization_id = $1::uuid and c.contact_id = a.contact_id
  where c.revision = a.revision
    -- Always true; makes the patients come first.
    and (select count(*) from patients_locked) >= 0
  order by c.contact_id
  for update of c
),
made_due as (
  update dynamics_contacts c
  set
    read_due_at = case
      when a.read then least(c.read_due_at, now() + make_interval(secs => a.due_seconds))
      else c.read_due_at
    end,
    write_due_at = case
      when a.write then least(c.write_due_at, now() + make_interval(secs => a.due_seconds))
      else c.write_due_at
    end,
    written = case when a.forget then null else c.written end,
    revision = c.revision + 1,
    updated_at = now()
  from asked a
  join locked l using (contact_id)
  where (a.read or a.write)
    and c.organization_id = $1::uuid
    and c.contact_id = l.contact_id
  returning c.contact_id
),
inserted as (
  insert into dynamics_contacts (organization_id, contact_id, read_due_at)
  select $1::uuid, a.contact_id, now() + make_interval(secs => a.due_seconds)
  from asked a
  where a.revision is null
  order by a.contact_id
  on conflict (organization_id, contact_id) do nothing
  returning contact_id
),
linked as (
  update patients p
  set dynamics_contact_id = n.dynamics_contact_id, updated_at = now()
  from asked a
  join locked l using (contact_id)
  -- In the column's own type, whatever the host gave it.
  cross join lateral jsonb_populate_record(
    null::patients, jsonb_build_object('dynamics_contact_id', a.contact_id)
  ) n
  where a.link
    and p.organization_id = $1::uuid
    and p.id = l.patient_id
    -- Two patients that name one contact are for a person to tell apart.
    and not exists (
      select 1 from patients other
      where other.organization_id = $1::uuid
        and other.id <> p.id
        and nullif(other.dynamics_contact_id::text, '') is not null
        and lower(other.dynamics_contact_id::text) = a.contact_id::text
    )
  returning l.contact_id
),
repaired as (
  select contact_id from made_due
  union
  select contact_id from inserted
  union
  select contact_id from linked
),
audit as (
  select e.*, date_trunc('milliseconds', now()) as at
  from repaired r
  join asked a using (contact_id)
  cross join lateral jsonb_to_record(a.audit) as e (
    id uuid, patient_id uuid, action text, source text, outcome text,
    -- Canonical JSON as text: the checksum is taken over these very characters.
    new_values text
  )
),
audited as (
  insert into audit_logs (
    id, organization_id, patient_id, action, new_values, "timestamp", checksum, source, outcome
  )
  select
    a.id, $1::uuid, a.patient_id, r.action, a.new_values::jsonb, a.at,
    dynamics_audit_checksum(a.id, a.action, a.at, a.new_values), a.source, a.outcome
  from audit a
  cross join lateral jsonb_populate_record(
    null::audit_logs, jsonb_build_object('action', a.action)
  ) r
)
select contact_id from repaired
