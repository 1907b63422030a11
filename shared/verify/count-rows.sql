-- How many contacts ConsentHub knows.
-- $1: organisation
select
  (count(*) filter (where c.deleted_at is null))::int as known,
  (count(*) filter (where c.patient_id is not null))::int as linked,
  (count(*) filter (where c.deleted_at is not null))::int as deleted
from dynamics_contacts c
where c.organization_id = $1::uuid
