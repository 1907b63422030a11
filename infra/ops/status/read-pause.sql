-- Who paused the bridge and when, if nobody has resumed it since. Reads runs of operators only, newest first.
select
  a.new_values ->> 'operator' as operator,
  to_char(a."timestamp" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at
from (
  select c.new_values, c."timestamp"
  from jsonb_populate_record(
    null::audit_logs, jsonb_build_object('action', 'operator_command')
  ) r
  join audit_logs c on c.action = r.action
  where c.source is not null and c.outcome = 'done'
    and c.new_values ->> 'command' in ('pause', 'resume')
  order by c."timestamp" desc
  limit 1
) a
where a.new_values ->> 'command' = 'pause'
