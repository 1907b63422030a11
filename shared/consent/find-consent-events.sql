-- What the events of a batch are about.
-- $1: [{organization_id, patient_id, consent_id}], consent_id null where the event has none
select
  i.organization_id,
  i.patient_id,
  i.consent_id,
  p.organization_id as patient_organization_id,
  k.organization_id as consent_organization_id,
  k.patient_id as consent_patient_id,
  c.contact_id,
  o.dynamics_org_id::text as dataverse_organization_id
from jsonb_to_recordset($1::jsonb) as i (
  organization_id uuid, patient_id uuid, consent_id uuid
)
left join organizations o on o.id = i.organization_id
left join patients p on p.id = i.patient_id
left join consents k on k.id = i.consent_id
left join dynamics_contacts c
  on c.organization_id = i.organization_id and c.patient_id = i.patient_id
