-- Nothing can land late any more where the doubt is over: the row is written again. What was written
-- is forgotten, because a crash after the claim has left the state from before it, and the consent
-- may have gone back to just that state since.
-- $1: how many at the most
with over as (
  select c.organization_id, c.contact_id
  from dynamics_contacts c
  where c.doubt_until <= now()
  order by c.doubt_until
  limit $1
  for update skip locked
),
ended as (
  update dynamics_contacts c
  set
    doubt_until = null,
    written = null,
    write_due_at = case when c.patient_id is not null then least(c.write_due_at, now()) end,
    revision = c.revision + 1,
    updated_at = now()
  from over
  where c.organization_id = over.organization_id and c.contact_id = over.contact_id
  returning 1
)
select count(*)::int as ended from ended
