-- How far behind both directions are: the rows whose clock is due or whose last try has failed, since when
-- the longest of them, and when each direction last did something. Costs what is due, and a handful of
-- index entries.
with waiting as (
  select
    c.patient_id, c.read_due_at, c.write_due_at, c.attempts,
    -- A failed try sets the clock forward, so it does not say since when. The tries do, about: the sum of their
    -- waits, see backoff.ts.
    case
      when c.attempts <= 6 then power(2, c.attempts) - 1
      when c.attempts <= 66 then 63 + 60 * (c.attempts - 6)
      else 3663 + 300 * (c.attempts - 66)
    end * interval '1 second' as tried,
    -- No backoff is longer; what is due later waits for nothing but its time.
    now() + case when c.attempts > 0 then interval '300 seconds' else interval '0' end as horizon
  from dynamics_contacts c
  where (c.read_due_at is not null or c.write_due_at is not null)
    and least(c.read_due_at, c.write_due_at) <= now() + interval '300 seconds'
),
due as (
  select
    (count(*) filter (where w.read_due_at <= w.horizon))::int as contacts_due,
    min(least(w.read_due_at, now()) - w.tried) filter (where w.read_due_at <= w.horizon)
      as contacts_due_since,
    -- Nobody is linked: there is nothing to write.
    (count(*) filter (where w.write_due_at <= w.horizon and w.patient_id is not null))::int
      as consents_due,
    min(least(w.write_due_at, now()) - w.tried)
      filter (where w.write_due_at <= w.horizon and w.patient_id is not null)
      as consents_due_since
  from waiting w
),
success as (
  select d.direction, max(latest.at) as at
  from (values
    ('contacts', 'patient_created'), ('contacts', 'patient_updated'),
    ('contacts', 'patient_linked'), ('contacts', 'patient_unlinked'),
    ('consents', 'dynamics_sync')
  ) d (direction, action)
  cross join (values ('applied'), ('unchanged'), ('restored'), ('unlinked')) o (outcome)
  cross join lateral jsonb_populate_record(
    null::audit_logs, jsonb_build_object('action', d.action)
  ) r
  cross join lateral (
    select a."timestamp" as at
    from audit_logs a
    where a.source is not null and a.action = r.action and a.outcome = o.outcome
    order by a."timestamp" desc
    limit 1
  ) latest
  group by d.direction
)
select
  due.contacts_due,
  due.consents_due,
  extract(epoch from now() - due.contacts_due_since)::float8 as contacts_oldest_seconds,
  extract(epoch from now() - due.consents_due_since)::float8 as consents_oldest_seconds,
  (select extract(epoch from s.at)::float8 from success s where s.direction = 'contacts')
    as contacts_success_seconds,
  (select extract(epoch from s.at)::float8 from success s where s.direction = 'consents')
    as consents_success_seconds
from due
