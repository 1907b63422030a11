-- Takes the lease of an organisation's change tracking if it is free or over. Links of another Dataverse
-- organisation are forgotten: everything is read anew.
-- $1: id of the Dataverse organisation, in lower case. $2: lease token. $3: seconds.
with organization as materialized (
  select o.id from organizations o where lower(o.dynamics_org_id::text) = $1::text
),
taken as (
  insert into dynamics_change_tracking as t (
    organization_id, dataverse_organization_id, lease_token, lease_until
  )
  select o.id, $1::uuid, $2::uuid, now() + make_interval(secs => $3::int)
  from organization o
  -- Two organisations with one Dynamics: whose contacts they are is not guessed.
  where (select count(*) from organization) = 1
  on conflict (organization_id) do update set
    dataverse_organization_id = excluded.dataverse_organization_id,
    link = case when t.dataverse_organization_id = excluded.dataverse_organization_id then t.link end,
    next_page =
      case when t.dataverse_organization_id = excluded.dataverse_organization_id then t.next_page end,
    full_read_at =
      case when t.dataverse_organization_id = excluded.dataverse_organization_id then t.full_read_at end,
    lease_token = excluded.lease_token,
    lease_until = excluded.lease_until,
    updated_at = now()
  where t.lease_until is null or t.lease_until <= now()
  returning t.*
)
select
  (select count(*)::int from organization) as organizations,
  taken.organization_id, taken.link, taken.next_page, taken.problem,
  taken.full_read_at is not null as full_read,
  taken.imported_at is not null as imported,
  taken.listed::int as listed, taken.linked::int as linked,
  extract(epoch from now() - taken.full_read_at)::float8 as full_read_seconds,
  extract(epoch from now())::float8 as now_seconds
from (values (1)) one (n)
left join taken on true
