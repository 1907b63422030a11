-- What expires next, and nothing of what never does.
create index concurrently if not exists dynamics_consents_expiry
  on consents (expires_at) where status = 'active' and expires_at is not null;
