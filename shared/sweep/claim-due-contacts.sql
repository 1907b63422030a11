-- Takes rows whose clock is due, in the order of their time, and moves the clock on: if the ring gets
-- lost, the row is due again. The revision stays, so that whoever reads the row now may clear it.
-- $1: how many at the most
with due as (
  select c.organization_id, c.contact_id,
    c.read_due_at <= now() as read_due,
    c.write_due_at <= now() as write_due
  from dynamics_contacts c
  where (c.read_due_at is not null or c.write_due_at is not null)
    and least(c.read_due_at, c.write_due_at) <= now()
  order by least(c.read_due_at, c.write_due_at)
  limit $1
  for update skip locked
),
moved as (
  update dynamics_contacts c
  set
    read_due_at = case when d.read_due then now() + interval '2 minutes' else c.read_due_at end,
    write_due_at = case
      -- Nobody is linked, so there is nothing to write; a link that comes is due by itself.
      when c.patient_id is null then null
      when d.write_due then now() + interval '2 minutes'
      else c.write_due_at
    end,
    updated_at = now()
  from due d
  where c.organization_id = d.organization_id and c.contact_id = d.contact_id
  returning c.organization_id, c.contact_id, c.patient_id, d.read_due, d.write_due
)
select m.organization_id, m.contact_id, m.patient_id,
  coalesce(m.read_due, false) as read_due,
  coalesce(m.write_due and m.patient_id is not null, false) as write_due,
  o.dynamics_org_id::text as dataverse_organization_id
from moved m
join organizations o on o.id = m.organization_id
