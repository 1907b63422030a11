-- When each direction last succeeded, without reading the whole trail; ConsentHub's own rows stay out.
create index concurrently if not exists dynamics_audit_success
  on audit_logs (action, outcome, "timestamp") where source is not null;
