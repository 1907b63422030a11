-- The newest seal, with the chain of the one before it, and the time; a row also where there is no seal.
select
  seal_columns,
  encode(p.chain, 'hex') as previous_chain,
  to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now
from (select 1) one
left join (select * from audit_seals order by number desc limit 1) s on true
left join audit_seals p on p.number = s.number - 1
