-- How many audit rows wait for their seal, and the oldest of them for how many seconds.
select
  count(*)::int as waiting,
  coalesce(extract(epoch from now() - min(u.queued_at)), 0)::int as oldest_seconds
from audit_unsealed u
join audit_logs a on a.id = u.audit_id
where not exists (select from audit_seals s where s.audit_id = u.audit_id)
