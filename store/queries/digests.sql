-- name: LockWay :one
insert into ways (person, method) values (@person, @method)
on conflict (person, method) do update set person = excluded.person
returning passed, clock_timestamp()::timestamptz as now;

-- name: NotePassed :exec
update ways set passed = @passed where person = @person and method = @method;

-- name: IsGathered :one
select exists (select from gathered where key = @key);

-- name: ToldBefore :one
select exists (select from timeline where escalation = @escalation and kind = 'message' and at < @before);

-- name: GatheringOf :one
select id, since, newest, urgent, news, late,
    (select count(*) from gathered where digest = digests.id)::int as pages,
    (select count(*) from gathered where digest = digests.id and brief->>'priority' = 'P1')::int as p1s
from digests
where person = @person and method = @method and frozen_at is null
for update;

-- name: BeginDigest :one
insert into digests (person, method, since, newest, urgent, news, late, due_at)
values (@person, @method, @since, @newest, @urgent, @news, @late, @due_at)
returning id;

-- name: GrowDigest :exec
update digests set newest = @newest, urgent = @urgent, news = @news, late = @late, due_at = @due_at where id = @id;

-- name: AddGathered :exec
insert into gathered (key, digest, workflow, escalation, brief, decided_at)
values (@key, @digest, @workflow, @escalation, @brief, @decided_at);

-- name: ClaimDigests :many
-- Way and digest are locked in one go, and skipped when a page is being added this moment.
with due as (
    select d.id
    from digests d join ways w using (person, method)
    where d.ended_at is null and d.due_at <= clock_timestamp()
    order by d.due_at
    limit @lim
    for update of d, w skip locked
)
update digests d
set frozen_at = coalesce(d.frozen_at, clock_timestamp()), attempts = d.attempts + 1, sending = true,
    due_at = clock_timestamp() + @lease::interval
from due
where d.id = due.id
returning d.id, d.person, d.method, d.urgent, d.frozen_at, d.attempts;

-- name: MembersOf :many
select g.key, g.digest, g.workflow, g.brief, g.decided_at, g.answered_at, e.summary,
    end_accepted(g.escalation)::boolean as ended
from gathered g left join escalations e on e.number = g.escalation
where g.digest = any (@digests::bigint[]) and g.dropped_at is null
order by g.decided_at, g.key;

-- name: DropGathered :exec
update gathered set dropped_at = clock_timestamp() where digest = @digest and key = any (@keys::text[]);

-- name: EndDigest :execrows
-- "Accepted" says less than a callback that was quicker.
update digests
set ended_at = clock_timestamp(), sending = false,
    receipt = case when receipt is null or @class::text <> 'pending' then sqlc.narg(receipt)::jsonb else receipt end
where id = @id and ended_at is null;

-- name: PostponeDigest :exec
update digests set due_at = clock_timestamp() + @pause::interval, sending = false where id = @id and ended_at is null;

-- name: TellGathered :exec
update gathered set tell_at = clock_timestamp() + @pause::interval where digest = @digest;

-- name: WithdrawGathered :exec
update gathered g set answered_at = clock_timestamp()
from digests d
where d.id = g.digest and d.ended_at is null and g.workflow = @workflow and g.dropped_at is null and g.answered_at is null;

-- name: RetractGathered :exec
update gathered g set answered_at = clock_timestamp()
from digests d
where d.id = g.digest and d.ended_at is null and g.key = @key and g.dropped_at is null and g.answered_at is null;

-- name: IsLeaving :one
select exists (
    select from gathered g join digests d on d.id = g.digest
    where g.workflow = @workflow and g.dropped_at is null and d.sending and d.ended_at is null
);

-- name: TakeUntold :many
with taken as (
    select key from gathered where tell_at <= clock_timestamp()
    order by tell_at limit @lim
    for update skip locked
)
update gathered g set tell_at = clock_timestamp() + @lease::interval
from taken, digests d
where g.key = taken.key and d.id = g.digest
returning g.key, g.workflow, g.digest, d.person, d.method, g.dropped_at, d.receipt;

-- name: ToldGathered :exec
update gathered set tell_at = null where key = @key;

-- name: HearDigest :execrows
update digests
set receipt = case when receipt is null or @class::text <> 'pending' or receipt->>'class' = 'pending' then @receipt else receipt end
where id = @id;

-- name: UnpassDigest :exec
-- A digest of which nothing was left to tell has woken nobody.
update ways
set passed = coalesce((select jsonb_agg(p) from jsonb_array_elements(passed) p where p->>'key' <> @key::text), '[]')
where person = @person and method = @method;

-- name: DigestPerson :one
select person from digests where id = @id;

-- name: LastDigest :one
select id from digests
where person = @person and frozen_at >= @since::timestamptz
  and exists (select from gathered where digest = digests.id and dropped_at is null)
  and coalesce(receipt->>'class', '') not in ('dead', 'transient', 'barred')
order by id desc
limit 1;

-- name: ForgetDigests :one
-- Digests that ended long ago and of which everybody has been told, with their pages. The oldest are looked at and no
-- more, so that no index is needed and no table is walked; those are never many that have not ended.
with oldest as (
    select id, ended_at from digests order by id limit @lim
), old as (
    select id from oldest
    where ended_at < clock_timestamp() - @keep::interval
      and not exists (select from gathered g where g.digest = oldest.id and g.tell_at is not null)
), pages as (
    delete from gathered using old where gathered.digest = old.id
), gone as (
    delete from digests using old where digests.id = old.id returning 1
)
select count(*) from gone;
