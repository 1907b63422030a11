-- A new contact is matched with an unlinked patient by name and email.
create index concurrently if not exists dynamics_patients_email
  on patients (organization_id, dynamics_match_text(email::text));
