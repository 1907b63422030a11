-- Audit rows that have no seal and wait for none: they came past the trigger, or their seal was taken away.
-- $1: how many at the most
select a.id::text as id
from audit_logs a
where not exists (select from audit_seals s where s.audit_id = a.id)
  and not exists (select from audit_unsealed u where u.audit_id = a.id)
order by a."timestamp", a.id
limit $1
