-- name: AddCanaries :exec
insert into canaries (integration, looked_at, next_at)
select n.name, @at::timestamptz, @at::timestamptz from unnest(@named::text[]) as n (name)
on conflict (integration) do nothing;

-- name: ClaimCanaries :many
-- Those whose time has come, or that are named no more, and whom nobody holds.
update canaries set held_until = @until
where integration in (
    select c.integration from canaries c
    where (c.next_at <= @at or c.integration <> all (@named::text[])) and c.held_until <= @at
    order by c.next_at
    limit 20
    for update skip locked)
returning integration, broken, service, looked_at, next_at;

-- name: DropWalks :exec
delete from canary_walks where integration = @integration and began_at < @before;

-- name: BeginWalk :one
insert into canary_walks (integration, began_at) values (@integration, @began_at) returning number;

-- name: KeepCanary :exec
update canaries set broken = @broken, service = @service, looked_at = @looked_at, next_at = @next_at, held_until = '-infinity'
where integration = @integration;

-- name: KeepWalk :exec
update canary_walks
set escalation = nullif(@escalation::bigint, 0), event_at = @event_at, escalation_at = @escalation_at, page_at = @page_at,
    receipt_at = @receipt_at, asked_at = @asked_at, resolve_at = @resolve_at, ended_at = @ended_at, broken = @broken, why = @why
where number = @number;

-- name: ForgetCanary :exec
delete from canaries where integration = @integration;

-- name: CanaryOpened :one
select number from escalations where canary = @walk and canary > 0 order by number limit 1;

-- name: CanariesLeft :many
select canary, coalesce(home, service)::text as service from escalations
where canary > 0 and canary <> @walk and integration = @integration and state in ('open', 'acknowledged') and dedup_held
order by canary
limit 100;

-- name: ListCanaries :many
select integration, broken, service, looked_at, next_at from canaries order by integration;

-- name: LastWalks :many
select w.number, w.integration, w.began_at, w.escalation, w.event_at, w.escalation_at, w.page_at, w.receipt_at, w.asked_at, w.resolve_at,
       w.ended_at, w.broken, w.why
from canaries c
cross join lateral (
    select * from canary_walks o where o.integration = c.integration order by o.number desc limit @each::int
) w
order by w.integration, w.number desc;

-- name: LastWalkOf :many
select number, integration, began_at, escalation, event_at, escalation_at, page_at, receipt_at, asked_at, resolve_at, ended_at, broken, why
from canary_walks where integration = @integration order by number desc limit 1;
