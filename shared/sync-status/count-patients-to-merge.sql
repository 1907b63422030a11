-- Merged contacts whose master has another patient: whether the two are one person ConsentHub has to say.
-- Costs an entry of dynamics_contacts_to_merge for each, and the row of its master.
-- $1: counts no further
select count(*)::int as count
from (
  select 1
  from dynamics_contacts c
  join dynamics_contacts master
    on master.organization_id = c.organization_id and master.contact_id = c.merged_into
  where c.merged_into is not null
    and coalesce(c.patient_id, c.former_patient_id) is not null
    -- A master that was merged again, or deleted, stands for whom it had.
    and coalesce(master.patient_id, master.former_patient_id)
      <> coalesce(c.patient_id, c.former_patient_id)
  limit $1
) to_merge
