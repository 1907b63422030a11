-- Saves where a run is, and prolongs its lease: only with its own token, and only from where the run
-- believes to be, so that one that was overtaken changes nothing.
-- $1: organisation. $2: lease token. $3: {link, next_page}, as they are. $4: what changes, see RunChange in
-- tracking-store.ts. $5: seconds of the lease; 0 gives it back.
update dynamics_change_tracking t
set
  (link, next_page, listed, linked, problem) = (
    select n.link, n.next_page, n.listed, n.linked, n.problem
    from jsonb_populate_record(t, $4::jsonb) n
  ),
  full_read_at = case $4::jsonb ->> 'full_read'
    when 'begins' then now()
    when 'ends' then null
    else t.full_read_at
  end,
  imported_at = case $4::jsonb ->> 'imported'
    when 'true' then now()
    when 'false' then null
    else t.imported_at
  end,
  finished_at = case when $4::jsonb ? 'finished' then now() else t.finished_at end,
  lease_token = case when $5::int > 0 then t.lease_token end,
  lease_until = case when $5::int > 0 then now() + make_interval(secs => $5::int) end,
  updated_at = now()
where t.organization_id = $1::uuid
  and t.lease_token = $2::uuid
  and t.lease_until > now()
  and t.link is not distinct from $3::jsonb ->> 'link'
  and t.next_page is not distinct from $3::jsonb ->> 'next_page'
returning
  1 as organizations,
  t.organization_id, t.link, t.next_page, t.problem,
  t.full_read_at is not null as full_read,
  t.imported_at is not null as imported,
  t.listed::int as listed, t.linked::int as linked,
  extract(epoch from now() - t.full_read_at)::float8 as full_read_seconds,
  extract(epoch from now())::float8 as now_seconds
