-- Writes what was decided about the contacts of a batch, row by row with compare-and-set: a row that
-- changed since it was read is left alone, with its patient and its audit rows, and is not returned.
-- $1: the decisions, see ContactWrite in contact-store.ts.
with decided as materialized (
  select * from jsonb_to_recordset($1::jsonb) as d (
    organization_id uuid,
    contact_id uuid,
    -- 'none': nothing but audit rows. 'absent': there was no row. 'revision': the row is as it was
    -- read. 'any': the row is only made due, which needs no knowledge of it.
    expects text,
    revision bigint,
    read_version bigint,
    raises_revision boolean,
    version bigint,
    seen jsonb,
    -- What is about to be written to Dynamics over this version; null: nothing.
    push jsonb,
    -- What the row said was written, where Dynamics shows something else; null: it does not.
    drifted_from jsonb,
    deleted boolean,
    merged_into uuid,
    patient_id uuid,
    former_patient_id uuid,
    -- The merged contact that the patient is taken from, and its row's revision; null: from none.
    moves_from uuid,
    moves_from_revision bigint,
    write_due boolean,
    write_due_seconds float8,
    read_due_seconds integer,
    patient jsonb,
    new_patient boolean,
    audit jsonb
  )
),
-- Patients before their rows, as ConsentHub's own transactions lock them (a patient, then through the
-- trigger its row), and each in one order for everybody: whoever meets waits instead of deadlocking.
patients_locked as materialized (
  select p.id
  from patients p
  join decided d on p.id = (d.patient ->> 'id')::uuid
  where not d.new_patient
  order by p.id
  for no key update of p
),
locked as materialized (
  select c.organization_id, c.contact_id, c.revision, c.version, c.written, c.lease_token, c.doubt_until
  from dynamics_contacts c
  where (c.organization_id, c.contact_id) in (
      select d.organization_id, d.contact_id from decided d where d.expects in ('revision', 'any')
      union all
      -- The trigger makes the masters of a merge due, in this statement: 020.do.merged-contacts.sql.
      select d.organization_id, m
      from decided d
      cross join lateral dynamics_masters(d.organization_id, d.merged_into) m
      union all
      select d.organization_id, m
      from decided d
      cross join lateral dynamics_masters(d.organization_id, d.moves_from) m
    )
    -- Always true; makes the patients come first.
    and (select count(*) from patients_locked) >= 0
  order by c.organization_id, c.contact_id
  for update of c
),
-- Columns that ConsentHub requires: nothing is an empty text there.
required as materialized (
  select coalesce(array_agg(a.attname::text), '{}') as columns
  from pg_attribute a
  where a.attrelid = 'patients'::regclass and a.attnotnull and a.attnum > 0
),
inserted as (
  insert into dynamics_contacts (
    organization_id, contact_id, patient_id, version, seen, deleted_at, merged_into, read_due_at,
    write_due_at, attempts
  )
  select
    d.organization_id, d.contact_id, d.patient_id, d.version, d.seen,
    case when d.deleted then now() end,
    d.merged_into,
    now() + make_interval(secs => d.read_due_seconds),
    case when d.write_due then now() + make_interval(secs => d.write_due_seconds) end,
    case when d.expects = 'any' then 1 else 0 end
  from decided d
  where d.expects in ('absent', 'any')
  order by d.organization_id, d.contact_id
  on conflict (organization_id, contact_id) do nothing
  returning organization_id, contact_id, revision
),
-- A patient that moves leaves the merged contact's row first, because the index allows it one at a time.
-- Both rows have to be as they were read, or neither changes.
released as (
  update dynamics_contacts h
  set
    patient_id = null,
    former_patient_id = h.patient_id,
    -- A writer of the old link may be under way: nobody will settle what it has written.
    written = null,
    write_due_at = null,
    revision = h.revision + 1,
    updated_at = now()
  from decided d
  join locked l using (organization_id, contact_id)
  where d.expects = 'revision'
    and l.revision = d.revision
    and l.version is not distinct from d.read_version
    and (
      d.drifted_from is null
      or (l.written @> d.drifted_from and l.lease_token is null and l.doubt_until is null)
    )
    and h.organization_id = d.organization_id
    and h.contact_id = d.moves_from
    and h.revision = d.moves_from_revision
    and h.patient_id = (d.patient ->> 'id')::uuid
  returning h.organization_id, d.contact_id
),
updated as (
  update dynamics_contacts c
  set
    patient_id = d.patient_id,
    former_patient_id = d.former_patient_id,
    version = d.version,
    seen = d.seen,
    pushed = case
      -- What was written over an older version shows in the newer one, or never will.
      when c.version is distinct from d.version then nullif(jsonb_build_array(d.push), '[null]')
      when d.push is null or c.pushed @> jsonb_build_array(d.push) then c.pushed
      else coalesce(c.pushed, '[]') || jsonb_build_array(d.push)
    end,
    merged_into = d.merged_into,
    deleted_at = case when d.deleted then coalesce(c.deleted_at, now()) end,
    written = case when d.drifted_from is null then c.written end,
    -- Only a revision unchanged since the row was read lets the clock be cleared; null clears it.
    read_due_at = now() + make_interval(secs => d.read_due_seconds),
    write_due_at = case
      -- Nobody is linked any more: there is nothing to write until a link comes back.
      when d.deleted then null
      when d.write_due
        then least(c.write_due_at, now() + make_interval(secs => d.write_due_seconds))
      else c.write_due_at
    end,
    revision = c.revision + case when d.raises_revision then 1 else 0 end,
    -- Where a write follows, its settling says whether this try has succeeded.
    attempts = case when d.push is null then 0 else c.attempts end,
    updated_at = now()
  from decided d
  join locked l using (organization_id, contact_id)
  where d.expects = 'revision'
    and c.organization_id = d.organization_id
    and c.contact_id = d.contact_id
    and c.revision = d.revision
    -- Two reads can find the same fields at different versions; the older one must not win later.
    and c.version is not distinct from d.read_version
    and (
      d.moves_from is null
      or exists (
        select from released r
        where r.organization_id = d.organization_id and r.contact_id = d.contact_id
      )
    )
    -- A writer may have come between the row and the contact: what it wrote is no edit.
    and (
      d.drifted_from is null
      or (c.written @> d.drifted_from and c.lease_token is null and c.doubt_until is null)
    )
  returning c.organization_id, c.contact_id, c.revision
),
made_due as (
  update dynamics_contacts c
  set
    read_due_at = now() + make_interval(secs => d.read_due_seconds),
    revision = c.revision + 1,
    attempts = c.attempts + 1,
    updated_at = now()
  from decided d
  join locked l using (organization_id, contact_id)
  where d.expects = 'any'
    and c.organization_id = d.organization_id
    and c.contact_id = d.contact_id
  returning c.organization_id, c.contact_id, c.revision
),
applied as (
  select organization_id, contact_id, revision from inserted
  union all
  select organization_id, contact_id, revision from updated
  union all
  select organization_id, contact_id, revision from made_due
  union all
  select organization_id, contact_id, revision from decided where expects = 'none'
),
-- jsonb_populate_record gives the host's own column types, whatever they are.
patients_created as (
  insert into patients (
    id, organization_id, dynamics_contact_id, first_name, last_name, email, phone,
    created_at, updated_at
  )
  select
    p.id, d.organization_id, p.dynamics_contact_id,
    coalesce(p.first_name, case when 'first_name' = any(q.columns) then '' end),
    coalesce(p.last_name, case when 'last_name' = any(q.columns) then '' end),
    coalesce(p.email, case when 'email' = any(q.columns) then '' end),
    coalesce(p.phone, case when 'phone' = any(q.columns) then '' end),
    now(), now()
  from decided d
  join applied using (organization_id, contact_id)
  cross join required q
  cross join lateral jsonb_populate_record(null::patients, d.patient) p
  where d.new_patient
),
-- Only the fields that are named in the decision are touched.
patients_changed as (
  update patients p
  set
    dynamics_contact_id =
      case when d.patient ? 'dynamics_contact_id' then n.dynamics_contact_id else p.dynamics_contact_id end,
    first_name = case when d.patient ? 'first_name'
      then coalesce(n.first_name, case when 'first_name' = any(q.columns) then '' end)
      else p.first_name end,
    last_name = case when d.patient ? 'last_name'
      then coalesce(n.last_name, case when 'last_name' = any(q.columns) then '' end)
      else p.last_name end,
    email = case when d.patient ? 'email'
      then coalesce(n.email, case when 'email' = any(q.columns) then '' end)
      else p.email end,
    phone = case when d.patient ? 'phone'
      then coalesce(n.phone, case when 'phone' = any(q.columns) then '' end)
      else p.phone end,
    updated_at = now()
  from decided d
  join applied using (organization_id, contact_id)
  cross join required q
  cross join lateral jsonb_populate_record(null::patients, d.patient) n
  where not d.new_patient
    and p.id = n.id
    and p.organization_id = d.organization_id
),
audit as (
  select
    d.organization_id, e.id, e.patient_id, e.action, e.source, e.outcome, e.new_values,
    -- An event that is on record already, with an effect now (it was unreadable the first time, or
    -- came again after a change whose own event was lost): the effect gets a row all the same.
    case
      when e.effect and exists (select 1 from audit_logs known where known.event_id = e.event_id)
        then null
      else e.event_id
    end as event_id,
    date_trunc('milliseconds', now()) as at
  from decided d
  join applied using (organization_id, contact_id)
  cross join lateral jsonb_to_recordset(d.audit) as e (
    id uuid, patient_id uuid, event_id text, action text, source text, outcome text,
    effect boolean,
    -- Canonical JSON as text: the checksum is taken over these very characters.
    new_values text
  )
),
audited as (
  insert into audit_logs (
    id, organization_id, patient_id, action, new_values, "timestamp", checksum,
    event_id, source, outcome
  )
  select
    a.id, a.organization_id, a.patient_id, r.action, a.new_values::jsonb, a.at,
    dynamics_audit_checksum(a.id, a.action, a.at, a.new_values),
    a.event_id, a.source, a.outcome
  from audit a
  cross join lateral jsonb_populate_record(
    null::audit_logs, jsonb_build_object('action', a.action)
  ) r
  on conflict (event_id) where event_id is not null do nothing
)
select organization_id, contact_id, revision::text as revision from applied
