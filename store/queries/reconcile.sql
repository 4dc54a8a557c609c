-- name: EventOfInstant :one
-- An event is known by the instant at which it was taken: it may have been written, and the answer lost.
select seq, (settled_at is not null)::boolean as settled, coalesce(escalation, 0)::bigint as escalation
from inbox
where received_at = @received_at and service = @service and dedup_key = @dedup_key and action = @action
order by seq
limit 1;

-- name: AddSettledEvent :execrows
insert into inbox (integration, service, dedup_key, sender_key, format, action, alert, raw, received_at, settled_at, escalation, note)
values (@integration, @service, @dedup_key, @sender_key, @format, @action, @alert, @raw, @received_at, clock_timestamp(),
        nullif(@escalation::bigint, 0), @note)
on conflict (integration, sender_key) where sender_key <> '' do nothing;

-- name: SettleOvertaken :execrows
-- What was accepted before, and that nobody settled: a trigger belongs to what is open now, a word was overtaken.
update inbox
set settled_at = clock_timestamp(),
    escalation = case when action = 'trigger' then nullif(@escalation::bigint, 0) end,
    note = case when action = 'trigger' then '' else 'overtaken while the records were away' end
where service = @service and dedup_key = @dedup_key and settled_at is null and received_at < @before;

-- name: WaitingSince :one
-- The oldest alert of a conversation that was accepted and that nobody settled.
select received_at from inbox
where service = @service and dedup_key = @dedup_key and settled_at is null and action = 'trigger'
order by received_at
limit 1;

-- name: AdoptEscalation :exec
-- The row of an escalation that was opened without us. The recorder may have been first: it knows all but what came in.
insert into escalations (number, state, title, service, unit, priority, opened_at, summary,
                         service_name, integration, dedup_key, dedup_held, alert, start, severity_told, home, repeated_at)
values (@number, @state, @title, @service, @unit, @priority, @opened_at, @summary,
        @service_name, @integration, @dedup_key, false, @alert, @start, @severity_told, nullif(@home::text, ''), clock_timestamp())
on conflict (number) do update
set service_name = excluded.service_name, integration = excluded.integration, dedup_key = excluded.dedup_key,
    alert = excluded.alert, start = excluded.start, severity_told = excluded.severity_told, home = excluded.home
where escalations.start is null;

-- name: CountToldRepeats :exec
update escalations set repeats = repeats + @repeats::int, repeats_told = repeats_told + @repeats::int where number = @number;

-- name: Claimant :one
select state in ('open', 'acknowledged') as live, opened_at from escalations where number = @number for update;

-- name: KeyHolder :one
select s.number, s.opened_at, exists (
    select from errands e where e.escalation = s.number and e.kind = 'open' and e.done_at is null)::boolean as unopened
from escalations s
where coalesce(s.home, s.service) = @service::text and s.dedup_key = @dedup_key and s.dedup_held
for update of s;

-- name: HoldKey :exec
update escalations set dedup_held = true where number = @number;

-- name: StrikeErrands :exec
update errands set done_at = clock_timestamp() where escalation = @escalation and done_at is null;

-- name: SupersedeEscalation :one
-- One that was never opened, because another has taken its alert.
update escalations
set state = 'closed', seq = seq + 1, next_at = 'infinity', dedup_held = false,
    summary = summary || jsonb_build_object('state', 'closed', 'seq', seq + 1, 'closed_at', @at::timestamptz, 'next', jsonb_build_object('action', 'none'))
where number = @number
returning seq;

-- name: ResolvedLater :one
-- What the monitor said after an instant, at a door that did not know of the conversation yet.
select seq from inbox
where received_at > @since and service = @service and dedup_key = @dedup_key and action = 'resolve' and settled_at is not null
order by seq desc
limit 1;
