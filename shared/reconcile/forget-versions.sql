-- Forgets which versions were applied: the organisation was restored from a backup and counts anew from a
-- lower number. Whoever has read such a row and not written it yet misses.
-- $1: organisation. $2: how many at the most.
with known as (
  select c.organization_id, c.contact_id
  from dynamics_contacts c
  where c.organization_id = $1::uuid and c.version is not null
  limit $2::int
  for update skip locked
),
forgotten as (
  update dynamics_contacts c
  set version = null, updated_at = now()
  from known k
  where c.organization_id = k.organization_id and c.contact_id = k.contact_id
  returning 1
)
select count(*)::int as forgotten from forgotten
