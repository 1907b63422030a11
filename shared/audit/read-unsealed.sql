-- Rows that wait for their seal, those that came first first. Times are UTC.
-- $1: how many at the most
select
  sealable_columns,
  -- Queued once more: it must not keep the others waiting.
  s.number is not null as sealed
from audit_unsealed u
-- Row by row, each by its index: a join of the tables as a whole would read all that was ever sealed.
cross join lateral (select * from audit_logs a where a.id = u.audit_id limit 1) a
left join lateral (select s.number from audit_seals s where s.audit_id = u.audit_id limit 1) s
  on true
order by u.position
limit $1
