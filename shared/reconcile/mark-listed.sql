-- Notes that contacts were on a page of the full read under way. The revision stays: nothing changes that
-- either side should show. A row that somebody holds is passed over; at the worst its contact is asked
-- about once more than necessary.
-- $1: organisation. $2: ids of contacts, as JSON.
with listed as (
  select c.organization_id, c.contact_id
  from dynamics_contacts c
  join dynamics_change_tracking t using (organization_id)
  join jsonb_array_elements_text($2::jsonb) as i (contact_id) on c.contact_id = i.contact_id::uuid
  where c.organization_id = $1::uuid and c.listed_at < t.full_read_at
  for no key update of c skip locked
)
update dynamics_contacts c
set listed_at = now()
from listed l
where c.organization_id = l.organization_id and c.contact_id = l.contact_id
