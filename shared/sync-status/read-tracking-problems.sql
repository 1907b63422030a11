-- What keeps the reconciler from its work; a row for each organisation, so there are few.
select distinct t.problem from dynamics_change_tracking t where t.problem is not null order by 1
