-- Ends a claim whose write did not succeed, or that gives up for now: the row is due again later.
-- $1: see Releasing in consent-store.ts
with d as materialized (
  select * from jsonb_to_record($1::jsonb) as r (
    organization_id uuid, contact_id uuid, token uuid,
    -- A write may have been applied, or may still be.
    unknown boolean,
    -- What the row says was written is not what Dynamics has.
    forget boolean,
    -- Dynamics will not take it as it is.
    refused boolean,
    -- Counts as a failed try.
    failed boolean,
    due_seconds integer,
    doubt_before timestamptz
  )
),
locked as materialized (
  select c.organization_id, c.contact_id, c.patient_id, c.lease_token is not distinct from d.token as mine
  from dynamics_contacts c
  join d using (organization_id, contact_id)
  for update of c
),
released as (
  update dynamics_contacts c
  set
    written = case when d.unknown or d.forget then null else c.written end,
    doubt_until = case
      -- As the claim left it, or for as long as our write may still land behind somebody else's.
      when d.unknown and l.mine then c.doubt_until
      when d.unknown or (d.forget and not l.mine)
        then greatest(c.doubt_until, clock_timestamp() + interval '180 seconds')
      when not l.mine then c.doubt_until
      -- Ended by end-doubts.sql alone, which has the contact written again.
      else d.doubt_before
    end,
    write_due_at = case
      when l.mine then clock_timestamp() + make_interval(secs => d.due_seconds)
      else c.write_due_at
    end,
    attempts = case when l.mine and d.failed then c.attempts + 1 else c.attempts end,
    lease_token = case when l.mine then null else c.lease_token end,
    lease_until = case when l.mine then null else c.lease_until end,
    updated_at = now()
  from locked l, d
  where c.organization_id = l.organization_id
    and c.contact_id = l.contact_id
    and (l.mine or d.unknown or d.forget)
),
-- Never waits, see settle-contact.sql.
refused as materialized (
  select k.id
  from consents k
  join locked l on k.patient_id = l.patient_id and k.organization_id = l.organization_id
  cross join d
  where d.refused
    and l.mine
    and dynamics_is_marketing(k.consent_type::text)
    and k.dynamics_sync_status::text = 'pending'
  for no key update of k skip locked
),
failed as (
  update consents k
  set dynamics_sync_status = 'failed'
  from refused
  where k.id = refused.id
)
select mine from locked
