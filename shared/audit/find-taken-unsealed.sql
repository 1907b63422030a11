-- Audit rows that were taken away before they were sealed.
-- $1: how many at the most
select u.audit_id::text as id
from audit_unsealed u
where not exists (select from audit_logs a where a.id = u.audit_id)
  and not exists (select from audit_seals s where s.audit_id = u.audit_id)
order by u.position
limit $1
