-- name: GetHeartbeat :one
select name, beat_at, due_at, missing, lapses from heartbeats where name = @name;

-- name: ListHeartbeats :many
select name, beat_at, due_at, missing, lapses from heartbeats order by name;

-- name: BeatHeartbeat :exec
insert into heartbeats (name, beat_at, due_at) values (@name, @beat_at, @due_at)
on conflict (name) do update
set beat_at = excluded.beat_at, due_at = excluded.due_at, missing = false,
    lapses = heartbeats.lapses + case when not heartbeats.missing and heartbeats.due_at < excluded.beat_at then 1 else 0 end
where heartbeats.beat_at <= excluded.beat_at;

-- name: DisarmHeartbeat :exec
update heartbeats set due_at = null, missing = false where name = @name;

-- name: OverdueHeartbeats :many
select name, beat_at, due_at, missing, lapses from heartbeats where due_at < @at and not missing order by due_at limit 1000;

-- name: LapseHeartbeat :many
update heartbeats set lapses = lapses + 1, missing = (beat_at = @beat_at and due_at is not null)
where name = @name and lapses = @lapses and not missing
returning missing;

-- name: Hear :one
-- Since when somebody has listened without a gap.
insert into hearing (since_at, last_at) values (@at, @at)
on conflict (one) do update
set since_at = case when hearing.last_at < excluded.last_at - @gap::interval then excluded.last_at else hearing.since_at end,
    last_at = greatest(hearing.last_at, excluded.last_at)
returning since_at;

-- name: PromiseHeartbeat :exec
update heartbeats set due_at = beat_at + @within::interval
where name = @name and due_at is not null and due_at <> beat_at + @within::interval;

-- name: Judge :exec
update hearing set judged_at = greatest(judged_at, @at);
