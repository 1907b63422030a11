-- Makes the rows of a contact or a patient due on both clocks, now. What was written is forgotten: the
-- contact is written again although it may say the same.
-- $1: contact or null, $2: patient or null
update dynamics_contacts c
set
  read_due_at = least(c.read_due_at, now()),
  -- Nobody is linked: there is nothing to write.
  write_due_at = case
    when c.patient_id is not null then least(c.write_due_at, now())
    else c.write_due_at
  end,
  written = null,
  revision = c.revision + 1,
  updated_at = now()
from organizations o
where o.id = c.organization_id
  and (c.contact_id = $1::uuid or c.patient_id = $2::uuid)
returning
  c.organization_id::text as organization_id, c.contact_id::text as contact_id,
  c.patient_id::text as patient_id, o.dynamics_org_id::text as dataverse_organization_id
