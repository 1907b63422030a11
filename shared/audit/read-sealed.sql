-- Seals and what they seal, by number; id is null where the audit row is gone. Times are UTC.
-- $1: after this number; null: from the lowest there is, which need not be 1, $2: how many at the most
select
  seal_columns,
  sealable_columns
from (
  -- First the page: joined as a whole, all audit rows would be read for each page near the end.
  select *
  from audit_seals
  where number > $1::bigint or $1::bigint is null
  order by number
  limit $2
) s
left join audit_logs a on a.id = s.audit_id
order by s.number
