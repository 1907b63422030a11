-- Puts a test of a connection on record. It belongs to the organisation that was reached; if none was,
-- to the only one that has a Dynamics, if there is only one.
-- $1: id, $2: id of the Dataverse organisation or null, $3: outcome, $4: canonical JSON, $5: source
with organization as (
  select coalesce(
    (select o.id from organizations o where lower(o.dynamics_org_id::text) = lower($2::text)),
    (
      select case when count(*) = 1 then min(o.id::text)::uuid end
      from organizations o
      where o.dynamics_org_id is not null
    )
  ) as id
),
moment as (
  select date_trunc('milliseconds', now()) as at
)
insert into audit_logs (
  id, organization_id, action, new_values, "timestamp", checksum, source, outcome
)
select
  $1::uuid, organization.id, r.action, $4::jsonb, moment.at,
  dynamics_audit_checksum($1::uuid, 'connection_tested', moment.at, $4::text), $5::text, $3::text
from organization
cross join moment
cross join lateral jsonb_populate_record(null::audit_logs, '{"action":"connection_tested"}') r
