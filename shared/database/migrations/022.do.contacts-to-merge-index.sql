-- Merged contacts that have had a patient: those that are not their master's are counted for the status.
create index concurrently if not exists dynamics_contacts_to_merge
  on dynamics_contacts (organization_id)
  where merged_into is not null and coalesce(patient_id, former_patient_id) is not null;
