-- name: ListOverrides :many
select number, schedule, person, from_at, until_at, reason
from overrides
where deleted_at is null
  and (@schedule::text = '' or schedule = @schedule)
  and (sqlc.narg(from_at)::timestamptz is null or until_at > sqlc.narg(from_at))
  and (sqlc.narg(until_at)::timestamptz is null or from_at < sqlc.narg(until_at))
order by from_at, number;

-- name: LockSchedule :exec
-- Those who make overrides of one schedule at once wait here: at the exclusion constraint they would wait for each other.
select pg_advisory_xact_lock(hashtextextended('override' || chr(31) || @schedule::text, 0));

-- name: CreateOverride :one
insert into overrides (schedule, person, from_at, until_at, reason)
values (@schedule, @person, @from_at, @until_at, @reason)
returning number;

-- name: OverlappingOverride :one
select number, schedule, person, from_at, until_at, reason
from overrides
where deleted_at is null and schedule = @schedule and from_at < @until_at and until_at > @from_at
order by from_at
limit 1;

-- name: DeleteOverride :execrows
update overrides set deleted_at = now() where number = @number and deleted_at is null;
