-- Makes contacts that the full read has not listed due for a read of their own, which alone can prove a
-- deletion, spread over time. Each is made due once. Rows that somebody holds are left for the next time:
-- waiting for them could end in a deadlock with a transaction of ConsentHub's.
-- $1: organisation. $2: how many at the most. $3: how many were made due before. $4: how many a second.
with missing as materialized (
  select c.organization_id, c.contact_id
  from dynamics_contacts c
  join dynamics_change_tracking t using (organization_id)
  where c.organization_id = $1::uuid and c.deleted_at is null and c.listed_at < t.full_read_at
  order by c.contact_id
  limit $2::int
  for update of c skip locked
),
placed as (
  select m.*, row_number() over (order by m.contact_id) as place from missing m
),
asked as (
  update dynamics_contacts c
  set
    read_due_at = least(
      c.read_due_at, now() + make_interval(secs => ($3::int + p.place)::float8 / $4::int)
    ),
    revision = c.revision + 1,
    listed_at = now(),
    updated_at = now()
  from placed p
  where c.organization_id = p.organization_id and c.contact_id = p.contact_id
  returning 1
)
select count(*)::int as asked from asked
