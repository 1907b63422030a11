-- What the events of a batch are about: a row for each contact that shows it, or one without a contact.
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
left join lateral (
  select own.contact_id
  from dynamics_contacts own
  where own.organization_id = i.organization_id and own.patient_id = i.patient_id
  union
  -- What that contact was merged into shows its patient's consents too.
  select master.contact_id
  from dynamics_contacts own
  cross join lateral dynamics_masters(own.organization_id, own.merged_into) as m (contact_id)
  join dynamics_contacts master
    on master.organization_id = own.organization_id
    and master.contact_id = m.contact_id
    and master.patient_id is not null
  where own.organization_id = i.organization_id
    and (own.patient_id = i.patient_id or own.former_patient_id = i.patient_id)
) c on true
