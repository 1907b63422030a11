-- The patient's consents as they stand now; none if ConsentHub has erased the patient. Times are UTC.
-- $1: patient
select
  k.id::text as id, k.consent_type::text as type, k.status::text as status,
  to_char(k.granted_at::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as granted_at,
  to_char(k.expires_at::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as expires_at,
  to_char(k.revoked_at::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as revoked_at
from consents k
where k.patient_id = $1::uuid
order by k.created_at, k.id
