-- How many of ConsentHub's organisations have this Dynamics; all but one is a mistake.
-- $1: Dataverse's id of the organisation
select count(*)::int as count
from organizations o
where lower(o.dynamics_org_id::text) = lower($1::text)
