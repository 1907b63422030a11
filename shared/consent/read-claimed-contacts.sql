-- What the claimed rows, their patients and their consents say, now that nobody else can settle them.
-- $1: the same as for claim-contacts.sql
select
  c.organization_id,
  c.contact_id,
  c.revision::text as revision,
  c.version::text as version,
  c.seen,
  c.pushed,
  c.written,
  c.read_due_at is not null as read_due,
  c.attempts,
  p.id as patient_id,
  p.first_name::text as first_name,
  p.last_name::text as last_name,
  p.email::text as email,
  p.phone::text as phone,
  clock_timestamp() as now,
  (
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', k.id,
          'consentType', k.consent_type,
          'status', k.status,
          -- 'infinity' is a time to PostgreSQL and to nobody else: it never comes.
          'grantedAt', case when isfinite(k.granted_at) then k.granted_at end,
          'expiresAt', case when isfinite(k.expires_at) then k.expires_at end,
          'revokedAt', case when isfinite(k.revoked_at) then k.revoked_at end,
          'createdAt', case when isfinite(k.created_at) then k.created_at end
        )
      ),
      '[]'
    )
    from consents k
    where k.patient_id = p.id
      and k.organization_id = c.organization_id
      and dynamics_is_marketing(k.consent_type::text)
  ) as consents
from jsonb_to_recordset($1::jsonb) as i (organization_id uuid, contact_id uuid, token uuid)
join dynamics_contacts c
  on c.organization_id = i.organization_id
  and c.contact_id = i.contact_id
  and c.lease_token = i.token
join patients p on p.id = c.patient_id
