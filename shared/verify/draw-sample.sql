-- Contacts picked at random: the same seed picks the same ones. Ids alone would not do for an order,
-- Dataverse gives them out in sequence.
-- $1: organisation. $2: seed. $3: how many at the most.
select c.contact_id
from dynamics_contacts c
where c.organization_id = $1::uuid
order by md5(c.contact_id::text || $2::text)
limit $3::int
