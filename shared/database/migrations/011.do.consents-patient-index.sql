-- The consents of a patient are read with every claim.
create index concurrently if not exists dynamics_consents_patient on consents (patient_id);
