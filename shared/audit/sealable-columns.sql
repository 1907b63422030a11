-- The columns of an audit row `a` as they are sealed: each as PostgreSQL's text, the time as UTC.
a.id::text as id, a.organization_id::text as organization_id, a.patient_id::text as patient_id,
a.consent_id::text as consent_id, a.user_id::text as user_id, a.action::text as action,
a.old_values::text as old_values, a.new_values::text as new_values,
coalesce(
  nullif(
    to_char(
      a."timestamp"::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
    ),
    ''
  ),
  a."timestamp"::text
) as "timestamp",
a.checksum::text as checksum, a.event_id::text as event_id, a.source::text as source,
a.outcome::text as outcome
