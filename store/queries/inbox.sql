-- name: AcceptEvent :one
insert into inbox (integration, service, dedup_key, sender_key, format, action, alert, raw, received_at, route)
values (@integration, @service, @dedup_key, @sender_key, @format, @action, @alert, @raw, @received_at, @route)
on conflict (integration, sender_key) where sender_key <> '' do nothing
returning seq;

-- name: AcceptEvents :many
-- The events of one request, all of them or none, in their order. The first keeps the request.
with first as (
    insert into inbox (integration, service, dedup_key, format, action, alert, raw, received_at, route, trace)
    values (@integration, (@services::text[])[1], (@dedup_keys::text[])[1], @format, (@actions::text[])[1], (@alerts::text[])[1]::jsonb,
            @raw, (@received_ats::timestamptz[])[1], nullif((@routes::text[])[1], '')::jsonb, @trace)
    returning seq
), others as (
    insert into inbox (integration, service, dedup_key, format, action, alert, raw, received_at, route, trace, raw_of)
    select @integration, (@services::text[])[n], (@dedup_keys::text[])[n], @format, (@actions::text[])[n], (@alerts::text[])[n]::jsonb,
           '', (@received_ats::timestamptz[])[n], nullif((@routes::text[])[n], '')::jsonb, @trace, first.seq
    from first, generate_series(2, cardinality(@services::text[])) as n
    order by n
    returning seq
)
select seq from first union all select seq from others order by seq;

-- name: KnownEvent :one
select seq from inbox where integration = @integration and sender_key = @sender_key and sender_key <> '';

-- name: EventPlaces :many
-- Where events belong: none of this but settled_at and escalation ever changes.
select seq, service, dedup_key, settled_at, escalation from inbox where seq = any (@seqs::bigint[]) order by seq;

-- name: LockConversation :exec
select pg_advisory_xact_lock(hashtextextended(@service::text || chr(31) || @dedup_key::text, 0));

-- name: Conversation :many
select seq, integration, service, dedup_key, sender_key, format, action, alert, raw, coalesce(ripened_at, received_at) as received_at, route,
       (ripened_at is not null)::boolean as ripened
from inbox
where service = @service and dedup_key = @dedup_key and seq <= @seq and settled_at is null
order by seq;

-- name: EventAlone :many
-- For events without a dedup key, which are conversations of their own; the row lock stands for the conversation's.
select seq, integration, service, dedup_key, sender_key, format, action, alert, raw, coalesce(ripened_at, received_at) as received_at, route,
       (ripened_at is not null)::boolean as ripened
from inbox
where seq = @seq and settled_at is null
for update;

-- name: Holder :many
-- The escalation that holds the dedup key: none or one. The row lock makes the recorder wait its turn.
select number, priority, repeats, repeats_told, repeat_severity, severity_told,
       (repeated_at <= clock_timestamp() - @every::interval)::boolean as due
from escalations
where coalesce(home, service) = @service::text and dedup_key = @dedup_key and dedup_held
for update;

-- name: NextNumbers :many
select nextval(pg_get_serial_sequence('escalations', 'number'))::bigint as number from generate_series(1, @many::int);

-- name: OpenEscalation :execrows
-- Nothing is inserted when a plain Temporal client took this number first.
insert into escalations (number, state, title, service, unit, priority, opened_at, summary,
                         service_name, integration, dedup_key, dedup_held, alert, start, severity_told, home, canary, repeated_at)
values (@number, @state, @title, @service, @unit, @priority, @opened_at, @summary,
        @service_name, @integration, @dedup_key, @dedup_held, @alert, @start, @severity_told, nullif(@home::text, ''), @canary, clock_timestamp())
on conflict (number) do nothing;

-- name: CountRepeats :exec
update escalations
set repeats = @repeats, repeats_told = @repeats_told, repeat_severity = @repeat_severity, severity_told = @severity_told,
    repeated_at = case when @told::boolean then clock_timestamp() else repeated_at end,
    dedup_held = dedup_held and @held::boolean
where number = @number;

-- name: AddErrand :exec
insert into errands (escalation, kind, payload, rank) values (@escalation, @kind, @payload, @rank);

-- name: SettleEvents :exec
update inbox
set settled_at = clock_timestamp(), escalation = nullif(e.escalation, 0), note = e.note
from (select unnest(@seqs::bigint[]) as seq, unnest(@escalations::bigint[]) as escalation, unnest(@notes::text[]) as note) e
where inbox.seq = e.seq;

-- name: ErrandsOf :many
select e.id, e.escalation, e.kind, coalesce(e.payload, s.start)::jsonb as payload
from errands e
join escalations s on s.number = e.escalation
where e.escalation = any (@escalations::bigint[]) and e.done_at is null
order by e.id;

-- name: UnsettledEvents :many
select seq from inbox
where settled_at is null and accepted_at < now() - @age::interval
order by seq
limit @lim;

-- name: TellWaitingRepeats :exec
-- Rows that another relay works on are its business.
with waiting as (
    select number, priority, repeats, repeats_told, repeat_severity
    from escalations
    where repeats > repeats_told and repeated_at <= clock_timestamp() - @every::interval
    order by repeated_at
    limit @lim
    for update skip locked
), told as (
    update escalations s
    set repeats_told = w.repeats, repeat_severity = '', repeated_at = clock_timestamp()
    from waiting w
    where s.number = w.number
)
insert into errands (escalation, rank, kind, payload)
select number, case when priority ~ '^P[1-5]$' then right(priority, 1)::smallint else 3 end, 'repeat', jsonb_build_object(
    'key', 'repeat/E-' || number || '/' || repeats,
    'count', repeats - repeats_told,
    'severity', repeat_severity,
    'at', (select i.received_at from inbox i where i.escalation = number and i.action = 'trigger' order by i.seq desc limit 1))
from waiting;

-- name: TakeErrands :many
-- Whole escalations whose first errand is old enough and held by nobody, which is from now on held by the caller. Those
-- that are to be started go by rank, then by age, and the oldest of all goes with every few of them: nobody waits for
-- ever. What is to be said to those that run waits for no place; an end goes before a count of repeats.
with urgent as (
    select id, escalation, rank from errands
    where done_at is null and kind = 'open' and rank = 1
      and created_at <= clock_timestamp() - @age::interval and (held_until is null or held_until <= clock_timestamp())
    order by id
    limit @urgent::int
    for update skip locked
), oldest as (
    select id, escalation, rank from errands
    where done_at is null and kind = 'open' and rank > 1
      and created_at <= clock_timestamp() - @age::interval and (held_until is null or held_until <= clock_timestamp())
    order by id
    limit @oldest::int
    for update skip locked
), others as (
    select id, escalation, rank from errands
    where done_at is null and kind = 'open' and rank > 1 and id not in (select id from oldest)
      and created_at <= clock_timestamp() - @age::interval and (held_until is null or held_until <= clock_timestamp())
    order by rank, id
    limit @others::int
    for update skip locked
), words as (
    select id, escalation, rank from errands e
    where done_at is null and kind <> 'open'
      and created_at <= clock_timestamp() - @age::interval and (held_until is null or held_until <= clock_timestamp())
      and not exists (
        select from errands earlier
        where earlier.escalation = e.escalation and earlier.id < e.id and earlier.done_at is null)
    order by kind = 'repeat', id
    limit @words::int
    for update skip locked
), heads as (
    select 1 as place, id, escalation, rank from urgent union all select 2, id, escalation, rank from words
    union all select 3, id, escalation, rank from oldest union all select 3, id, escalation, rank from others
), held as (
    update errands set held_until = clock_timestamp() + @hold::interval from heads where errands.id = heads.id
)
select e.id, e.escalation, e.kind, coalesce(e.payload, s.start)::jsonb as payload
from heads h
join errands e on e.escalation = h.escalation and e.done_at is null
join escalations s on s.number = e.escalation
order by h.place, h.rank, h.id, e.id;

-- name: Crowd :one
-- Escalations that were started lately and have not written a line since, and whether others wait for their start. Those
-- that were put aside for longer than anybody holds what they took wait for nobody's turn.
-- Each of the few that were started is looked up by its number: joined, a storm's statistics made it a walk through all.
with started as materialized (
    select escalation, rank from errands
    where kind = 'open' and done_at > clock_timestamp() - @lately::interval
)
select count(*) filter (where e.rank = 1) as urgent, count(*) as "all",
       exists (
           select from errands w
           where w.done_at is null and w.kind = 'open' and w.created_at <= clock_timestamp() - @age::interval
             and (w.held_until is null or w.held_until <= clock_timestamp() + @lately::interval)) as waiting
from started e
where (select s.seq from escalations s where s.number = e.escalation) = 0;

-- name: StrikeErrand :execrows
update errands set done_at = coalesce(done_at, clock_timestamp()) where id = @id;

-- name: AsideErrand :exec
update errands set held_until = clock_timestamp() + @pause::interval where id = @id and done_at is null;

-- name: OrphanPlace :one
select e.escalation, e.kind, e.orphan, coalesce(s.home, s.service)::text as service, s.dedup_key
from errands e
join escalations s on s.number = e.escalation
where e.id = @id;

-- name: OrphanOf :one
select orphan from errands where id = @id for update;

-- name: FreeKey :exec
update escalations
set dedup_held = false, repeats_told = repeats, repeat_severity = ''
where number = @number;

-- name: StrikeRepeats :exec
-- Every repeat of an escalation that is over has become one event that is settled again.
update errands
set done_at = clock_timestamp(), orphan = @orphan
where escalation = @escalation and kind = 'repeat' and done_at is null;

-- name: LastTrigger :one
-- Resolved since: by the monitor, or by somebody who said so after it fired.
select i.seq, (exists (
    select from inbox later
    where later.escalation = i.escalation and later.seq > i.seq and later.action = 'resolve')
    or coalesce(i.received_at <= (s.summary->>'resolve_said_at')::timestamptz, false))::boolean as resolved_since
from inbox i
join escalations s on s.number = i.escalation
where i.escalation = @escalation::bigint and i.action = 'trigger'
order by i.seq desc
limit 1;

-- name: UnsettleEvent :exec
update inbox set settled_at = null, escalation = null where seq = @seq;
