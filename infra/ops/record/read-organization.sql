-- The organisation that a run belongs to: the one that has a Dynamics, if there is only one.
select case when count(*) = 1 then min(o.id::text) end as organization_id
from organizations o
where o.dynamics_org_id is not null
