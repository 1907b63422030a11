-- Contacts that ought to be in Dynamics, in the order of their ids.
-- $1: organisation. $2: the id to begin after. $3: how many at the most.
select c.contact_id
from dynamics_contacts c
where c.organization_id = $1::uuid
  and c.contact_id > $2::uuid
  and (c.deleted_at is null or c.patient_id is not null)
order by c.contact_id
limit $3::int
