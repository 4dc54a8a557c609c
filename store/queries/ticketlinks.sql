-- name: OpenTickets :exec
insert into ticket_links (system, escalation, correlation)
select s.name, @escalation, 'belay-E-' || @escalation::bigint || '-' || left(replace(gen_random_uuid()::text, '-', ''), 12)
from unnest(@systems::text[]) as s (name)
on conflict (escalation, system) do nothing;

-- name: LinkTicket :many
-- A ticket that is there already. Linking it twice is linking it once. No row: the escalation has another one there.
insert into ticket_links (system, escalation, correlation, ticket, number, url, wanted, sides)
select @system::text, e.number, 'belay-E-' || e.number || '-' || left(replace(gen_random_uuid()::text, '-', ''), 12),
       @ticket::text, @key::text, @url::text, e.seq, @sides
from escalations e
where e.number = @escalation::bigint
on conflict (escalation, system) do update set number = excluded.number
where ticket_links.ticket = excluded.ticket
returning id;

-- name: AskTicket :exec
insert into ticket_links (system, escalation, correlation, wanted)
select @system::text, e.number, 'belay-E-' || e.number || '-' || left(replace(gen_random_uuid()::text, '-', ''), 12), e.seq
from escalations e
where e.number = @escalation::bigint
on conflict (escalation, system) do nothing;

-- name: WatchTicket :exec
-- The ticket that an escalation watches. What was said before it only watched stays unsaid.
insert into ticket_links (system, escalation, correlation, ticket, number, url, wanted, sides, watched, quiet)
select @system::text, e.number, 'belay-E-' || e.number || '-' || left(replace(gen_random_uuid()::text, '-', ''), 12),
       @ticket::text, @key::text, @url::text, case when e.state = 'watching' then 0 else e.seq end, @sides, true, e.state = 'watching'
from escalations e
where e.number = @escalation::bigint
on conflict (escalation, system) do nothing;

-- name: WantNotes :exec
update ticket_links
set wanted = greatest(@seq, case when quiet then (select e.seq from escalations e where e.number = @escalation) else 0 end), quiet = false,
    since = case when noted >= wanted then clock_timestamp() else since end
where escalation = @escalation and wanted < @seq and (not quiet or @loud::boolean);

-- name: ClaimTickets :many
-- Whoever claims has them alone until due_at. A system that fails is tried with one ticket.
update ticket_links
set due_at = clock_timestamp() + @lease::interval, attempts = attempts + 1
where id in (
    select t.id from ticket_links t
    where t.system = @system and t.noted < t.wanted and not t.gone and t.due_at <= clock_timestamp()
      and not exists (select from ticket_systems s where s.system = @system and s.silent_until > clock_timestamp())
    order by t.due_at
    limit (select case when exists (select from ticket_systems s where s.system = @system and s.failures > 0) then 1 else @lim::int end)
    for update skip locked)
returning id, system, escalation, correlation, ticket, number, url, noted, wanted, attempts, sides, watched,
    (select e.state from escalations e where e.number = ticket_links.escalation)::text as phase,
    (select e.owner from escalations e where e.number = ticket_links.escalation)::text as owner;

-- name: TicketByID :one
select id, system, escalation, correlation, ticket, number, url, noted, wanted, attempts, sides, watched,
    (select e.state from escalations e where e.number = ticket_links.escalation)::text as phase,
    (select e.owner from escalations e where e.number = ticket_links.escalation)::text as owner
from ticket_links where id = @id;

-- name: TicketNamed :many
-- By our correlation only while nobody knows its address: people copy tickets, marks and all.
select id, system, escalation, correlation, ticket, number, url, noted, wanted, attempts, sides, watched,
    (select e.state from escalations e where e.number = ticket_links.escalation)::text as phase,
    (select e.owner from escalations e where e.number = ticket_links.escalation)::text as owner
from ticket_links
where system = @system and (ticket <> '' and ticket = @ticket or ticket = '' and correlation = @correlation)
  and exists (select from escalations e where e.number = ticket_links.escalation and e.state <> 'closed')
order by id;

-- name: TicketsOf :many
select id, system, escalation, correlation, ticket, number, url, noted, wanted, attempts, sides, watched,
    (select e.state from escalations e where e.number = ticket_links.escalation)::text as phase,
    (select e.owner from escalations e where e.number = ticket_links.escalation)::text as owner
from ticket_links
where escalation = @escalation
order by id;

-- name: TicketFound :exec
update ticket_links set ticket = @ticket, number = @number, url = @url where id = @id;

-- name: TicketNoted :exec
update ticket_links set noted = @noted, since = clock_timestamp() where id = @id and noted < @noted;

-- name: TicketSides :exec
update ticket_links set sides = @sides where id = @id;

-- name: SettleTicket :exec
update ticket_links set attempts = 0, due_at = clock_timestamp(), trouble = '' where id = @id and attempts = @attempts;

-- name: PostponeTicket :exec
update ticket_links set due_at = clock_timestamp() + @pause::interval, trouble = @trouble where id = @id;

-- name: ReturnTicket :exec
-- Nothing was tried.
update ticket_links set due_at = clock_timestamp() + @pause::interval, attempts = greatest(attempts - 1, 0) where id = @id;

-- name: TicketGone :exec
update ticket_links set gone = true, trouble = @trouble where id = @id;

-- name: LockLink :exec
-- Not the row: the recorder, on whom pages wait, writes it too.
select pg_advisory_xact_lock(hashtextextended('belay/ticket/' || @id::bigint, 0));

-- name: SystemFailed :one
insert into ticket_systems (system, failures, trouble) values (@system, 1, @trouble)
on conflict (system) do update set failures = ticket_systems.failures + 1, trouble = excluded.trouble
returning failures;

-- name: SilenceSystem :exec
update ticket_systems set silent_until = clock_timestamp() + @pause::interval where system = @system;

-- name: SystemWell :exec
update ticket_systems set failures = 0, silent_until = '-infinity', trouble = '' where system = @system and failures > 0;

-- name: TakePoll :many
insert into ticket_systems (system, poll_at) values (@system, clock_timestamp() + @every::interval)
on conflict (system) do update set poll_at = excluded.poll_at
where ticket_systems.poll_at <= clock_timestamp() and ticket_systems.silent_until <= clock_timestamp()
returning cursor_at, clock_timestamp()::timestamptz as now;

-- name: KeepCursor :exec
update ticket_systems set cursor_at = greatest(cursor_at, @cursor_at) where system = @system;

-- name: TicketLag :many
select system, count(*) as waiting, min(since)::timestamptz as since from ticket_links where noted < wanted and not gone group by system;

-- name: ForgetTickets :execrows
delete from ticket_links where id in (
    select t.id from ticket_links t
    join escalations e on e.number = t.escalation
    where e.state = 'closed' and (t.noted >= t.wanted or t.gone) and t.since < clock_timestamp() - @age::interval
    order by t.id
    limit @lim);
