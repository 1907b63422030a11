-- Marks consents whose time is over, a bounded number at a time; the triggers make their rows due.
-- $1: how many at the most
with over as (
  select k.id
  from consents k
  where k.status = 'active' and k.expires_at is not null and k.expires_at <= now()
  order by k.expires_at
  limit $1
  for update skip locked
),
expired as (
  update consents k
  set status = 'expired', updated_at = now()
  from over
  where k.id = over.id
  returning k.id, k.organization_id, k.patient_id
),
audit as (
  select
    gen_random_uuid() as id, e.organization_id, e.patient_id, e.id as consent_id,
    date_trunc('milliseconds', now()) as at,
    -- Canonical as it stands: one pair of quotes, keys in order.
    '{"consentId":"' || e.id::text || '","status":"expired"}' as new_values
  from expired e
),
audited as (
  insert into audit_logs (
    id, organization_id, patient_id, consent_id, action, new_values, "timestamp", checksum, source,
    outcome
  )
  select
    a.id, a.organization_id, a.patient_id, a.consent_id, r.action, a.new_values::jsonb, a.at,
    dynamics_audit_checksum(a.id, 'consent_expired', a.at, a.new_values), 'sweep', 'applied'
  from audit a
  cross join lateral jsonb_populate_record(null::audit_logs, '{"action":"consent_expired"}') r
)
select count(*)::int as expired from expired
