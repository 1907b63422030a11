-- Takes the leases of linked contacts, unless somebody else holds one. From here on a write may be on
-- its way to Dynamics, so the doubt is recorded before it: a crash leaves no other trace.
-- $1: [{organization_id, contact_id, token, again}]
-- What the rows and the consents say is read by read-claimed-contacts.sql, a statement of its own in
-- the same transaction. It must not be read here: this statement's snapshot can be older than the
-- version of the row that it waits for, and would pair a new revision with old consents.
with input as materialized (
  select * from jsonb_to_recordset($1::jsonb) as i (
    organization_id uuid, contact_id uuid, token uuid,
    -- Going on under one's own lease, not taking one.
    again boolean
  )
),
locked as materialized (
  select c.organization_id, c.contact_id, c.lease_token, c.lease_until, c.doubt_until, i.token, i.again
  from dynamics_contacts c
  join input i using (organization_id, contact_id)
  where c.patient_id is not null
  order by c.organization_id, c.contact_id
  for update of c
)
update dynamics_contacts c
set
  lease_token = l.token,
  lease_until = clock_timestamp() + interval '60 seconds',
  -- The function's time limit, the two minutes that Dataverse may take for an operation, and a margin.
  doubt_until = clock_timestamp() + interval '180 seconds',
  updated_at = now()
from locked l
where c.organization_id = l.organization_id
  and c.contact_id = l.contact_id
  and c.patient_id is not null
  and case
    -- A lease that somebody else has had in between is not one's own any more.
    when l.again then l.lease_token = l.token
    else l.lease_until is null or l.lease_until <= clock_timestamp()
  end
returning c.organization_id, c.contact_id, l.doubt_until as doubt_before
