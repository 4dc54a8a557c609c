-- name: TakeWatch :many
-- None or one row: none while somebody else watches. Who cannot ask Temporal gives way to who can.
update watch
set holder = @holder, compares = @compares, until = clock_timestamp() + @term::interval
where holder = @holder or until < clock_timestamp() or (@compares and not compares)
returning stand;

-- name: KeepStand :execrows
update watch set stand = @stand where holder = @holder;

-- name: YieldWatch :exec
update watch set holder = '', until = '-infinity' where holder = @holder;

-- name: OverdueEscalations :many
-- Past their next action; and those of which the recorder has never written, although the engine was told of them.
(select number, next_at as due
 from escalations
 where next_at < clock_timestamp() - @grace::interval and state in ('open', 'acknowledged', 'watching')
 order by next_at
 limit @lim)
union all
(select s.number, s.opened_at as due
 from escalations s
 where s.state in ('open', 'acknowledged') and s.seq = 0 and s.opened_at < clock_timestamp() - @grace::interval
   and not exists (select from errands e where e.escalation = s.number and e.done_at is null)
 order by s.number
 limit @lim);

-- name: WaitingWork :many
-- What a relay should have done long ago. Starts of P3 and below stand back in a storm, and what is to be said to those
-- escalations waits with them; everything else is urgent. Another table whose rows wait for somebody is one more part of this union.
select 'events' as what, count(*) as found, min(waits.since)::timestamptz as since
from (select accepted_at as since from inbox
      where settled_at is null and accepted_at < clock_timestamp() - @grace::interval
      order by seq limit @lim) waits
having count(*) > 0
union all
select 'errands' as what, count(*) as found, min(waits.since)::timestamptz as since
from (select e.created_at as since from errands e
      where e.done_at is null and e.created_at < clock_timestamp() - @grace::interval
        and (e.rank <= 2 or not exists (
            select from errands o where o.escalation = e.escalation and o.kind = 'open' and o.done_at is null))
      order by e.id limit @lim) waits
having count(*) > 0
union all
select 'starts' as what, count(*) as found, min(waits.since)::timestamptz as since
from (select created_at as since from errands
      where done_at is null and kind = 'open' and rank > 2 and created_at < clock_timestamp() - @turns::interval
      order by id limit @lim) waits
having count(*) > 0
union all
select 'quiet' as what, count(*) as found, min(waits.since)::timestamptz as since
from (select due_at as since from alerts
      where due_at < clock_timestamp() - @grace::interval and state in ('delayed', 'flapping')
      order by due_at limit @lim) waits
having count(*) > 0
union all
select 'heartbeats' as what, count(*) as found, min(h.judged_at)::timestamptz as since
from hearing h
where h.judged_at < clock_timestamp() - @grace::interval and exists (select from heartbeats where due_at is not null)
having count(*) > 0
union all
select 'notes' as what, count(*) as found, min(waits.since)::timestamptz as since
from (select since from ticket_links
      where noted < wanted and not gone and since < clock_timestamp() - @turns::interval
      limit @lim) waits
having count(*) > 0;

-- name: RunningByRecord :many
-- Whoever should have a workflow by now.
select s.number
from escalations s
where s.state in ('open', 'acknowledged') and s.opened_at < clock_timestamp() - @age::interval
  and not exists (select from errands e where e.escalation = s.number and e.kind = 'open' and e.done_at is null)
order by s.number
limit @lim;

-- name: StillLive :many
select number from escalations where number = any (@numbers::bigint[]) and state in ('open', 'acknowledged');
