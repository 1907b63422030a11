-- The columns of a seal `s`: hashes as hex, the time as UTC.
s.number, s.audit_id::text as audit_id, encode(s.row_hash, 'hex') as row_hash,
encode(s.chain, 'hex') as chain,
coalesce(
  nullif(to_char(s.sealed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ''),
  s.sealed_at::text
) as sealed_at
