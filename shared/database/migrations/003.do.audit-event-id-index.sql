-- One audit row for an event, however often it is delivered.
create unique index concurrently if not exists audit_logs_event_id_key
  on audit_logs (event_id) where event_id is not null;
