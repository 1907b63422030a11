-- A patient that ConsentHub itself linked before this project was installed.
create index concurrently if not exists dynamics_patients_contact
  on patients (organization_id, lower(dynamics_contact_id::text))
  where nullif(dynamics_contact_id::text, '') is not null;
