-- SHA-256 over id, action, time (UTC, three decimals) and the canonical JSON of new_values, joined
-- without a separator: what ConsentHub computes for its own audit rows.
create or replace function dynamics_audit_checksum(
  id uuid, action text, at timestamptz, new_values text
) returns text
language sql stable
as $$
  select encode(
    sha256(
      convert_to(
        id::text || action
          || to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
          || coalesce(new_values, 'null'),
        'UTF8'
      )
    ),
    'hex'
  )
$$;
