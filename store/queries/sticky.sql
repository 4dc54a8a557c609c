-- name: KeepSticky :exec
insert into sticky (queue, deployment, build) values (@queue, @deployment, @build)
on conflict (queue) do update set seen_at = clock_timestamp();

-- name: SilentSticky :many
-- A table of a few rows: no index but the key.
select queue, deployment, build from sticky
where seen_at < clock_timestamp() - @silent::interval and seen_at > clock_timestamp() - @forget::interval
order by queue;

-- name: ForgetSticky :exec
delete from sticky where seen_at < clock_timestamp() - @forget::interval;

-- name: LeaveSticky :exec
delete from sticky where queue = @queue;
