-- Ends a claim whose write was acknowledged, or was not needed.
-- $1: see Settling in consent-store.ts
-- 'settled': at the revision that was read. 'moved': something changed since; nothing is marked and
-- the lease stays. 'overtaken': the lease went to somebody else, whose write may have come before
-- ours; nothing is known any more of what Dynamics has.
with d as materialized (
  select * from jsonb_to_record($1::jsonb) as r (
    organization_id uuid, contact_id uuid, token uuid, revision bigint,
    written jsonb, seen jsonb, forgets_pushed boolean, next_due_at timestamptz, doubt_before timestamptz
  )
),
locked as materialized (
  select c.organization_id, c.contact_id, c.patient_id,
    case
      when c.lease_token is distinct from d.token then 'overtaken'
      when c.revision <> d.revision then 'moved'
      else 'settled'
    end as state
  from dynamics_contacts c
  join d using (organization_id, contact_id)
  for update of c
),
-- Never waits: ConsentHub's transactions lock the consent before the row, we come the other way.
shown as materialized (
  select k.id
  from consents k
  join locked l on k.patient_id = l.patient_id and k.organization_id = l.organization_id
  where l.state = 'settled'
    and dynamics_is_marketing(k.consent_type::text)
    and k.dynamics_sync_status::text is distinct from 'synced'
  for no key update of k skip locked
),
-- Left out because somebody holds them: about to be pending again, if that is a change that Dynamics
-- shows. If it is not, nobody would ever mark them, so the row is due again.
skipped as materialized (
  select 1
  from consents k
  join locked l on k.patient_id = l.patient_id and k.organization_id = l.organization_id
  where l.state = 'settled'
    and dynamics_is_marketing(k.consent_type::text)
    and k.dynamics_sync_status::text is distinct from 'synced'
    and k.id not in (select id from shown)
  limit 1
),
changed as (
  update dynamics_contacts c
  set
    -- While an older write may still land, what was written is not what Dynamics will have.
    written = case when l.state = 'settled' and d.doubt_before is null then d.written end,
    seen = case when l.state = 'settled' then coalesce(d.seen, c.seen) else c.seen end,
    pushed = case
      -- Over the contact as it is now nothing older can land: it was written over another version.
      when l.state = 'settled' and d.seen is not null then null
      when l.state = 'settled' and d.forgets_pushed and d.doubt_before is null then null
      else c.pushed
    end,
    -- A doubt that was found is ended by end-doubts.sql alone, which has the contact written again.
    doubt_until = case l.state
      when 'overtaken' then greatest(c.doubt_until, clock_timestamp() + interval '180 seconds')
      else d.doubt_before
    end,
    write_due_at = case
      when l.state <> 'settled' then c.write_due_at
      when exists (select 1 from skipped) then least(d.next_due_at, now() + interval '30 seconds')
      else d.next_due_at
    end,
    attempts = case when l.state = 'settled' then 0 else c.attempts end,
    lease_token = case when l.state = 'overtaken' then c.lease_token end,
    lease_until = case when l.state = 'overtaken' then c.lease_until end,
    -- What a merge starts from has changed: an apply that read the row before must miss.
    revision = c.revision + case when d.seen is not null and l.state = 'settled' then 1 else 0 end,
    updated_at = now()
  from locked l, d
  where c.organization_id = l.organization_id
    and c.contact_id = l.contact_id
    and l.state <> 'moved'
),
synced as (
  update consents k
  set dynamics_sync_status = 'synced', dynamics_synced_at = now()
  from shown
  where k.id = shown.id
)
select state from locked
