-- Rows from before there were seals get one as well. Apart from 025, whose trigger locks audit_logs until it
-- is committed.
insert into audit_unsealed (audit_id)
select a.id
from audit_logs a
where not exists (select from audit_seals s where s.audit_id = a.id)
order by a."timestamp", a.id
on conflict (audit_id) do nothing;
