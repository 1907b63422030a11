-- Adds seals, all or none: a number that somebody else has given meanwhile is a unique violation.
-- $1: [{number, audit_id, row_hash, chain}], hashes as hex, $2: when they are sealed, $3: rows that were
-- queued although they are sealed
with added as (
  insert into audit_seals (number, audit_id, row_hash, chain, sealed_at)
  select s.number, s.audit_id, decode(s.row_hash, 'hex'), decode(s.chain, 'hex'), $2::timestamptz
  from jsonb_to_recordset($1::jsonb) as s (number bigint, audit_id uuid, row_hash text, chain text)
  returning audit_id
)
delete from audit_unsealed u
using (select audit_id from added union all select unnest($3::uuid[])) done
where u.audit_id = done.audit_id
