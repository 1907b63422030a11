-- How many contacts are known and not known to be deleted, and how many of them the full read under way
-- has not listed.
-- $1: organisation
select
  count(*)::int as known,
  (count(*) filter (where c.listed_at < t.full_read_at))::int as missing
from dynamics_contacts c
join dynamics_change_tracking t using (organization_id)
where c.organization_id = $1::uuid and c.deleted_at is null
