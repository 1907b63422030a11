-- Seals and what they seal, by number; id is null where the audit row is gone. Times are UTC.
-- $1: after this number; null: from the lowest there is, which need not be 1, $2: how many at the most
select
  s.number, s.audit_id::text as audit_id, encode(s.row_hash, 'hex') as row_hash,
  encode(s.chain, 'hex') as chain,
  coalesce(
    nullif(to_char(s.sealed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ''),
    s.sealed_at::text
  ) as sealed_at,
  sealable_columns
from audit_seals s
left join audit_logs a on a.id = s.audit_id
where s.number > $1::bigint or $1::bigint is null
order by s.number
limit $2
