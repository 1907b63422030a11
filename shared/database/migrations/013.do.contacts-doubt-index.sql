-- Writes of unknown outcome, until nothing can land late any more.
create index concurrently if not exists dynamics_contacts_doubt
  on dynamics_contacts (doubt_until) where doubt_until is not null;
