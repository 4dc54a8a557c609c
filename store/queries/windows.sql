-- name: CreateWindow :one
insert into windows (name, from_at, until_at, services, condition, up_to, reason)
values (@name, @from_at, @until_at, @services, @condition, @up_to, @reason)
returning number;

-- name: ListWindows :many
-- Those that end after an instant, by their beginning.
select number, name, from_at, until_at, services, condition, up_to, reason
from windows
where until_at > @ends_after and cancelled_at is null
order by from_at, number
limit 1000;

-- name: EndWindow :execrows
-- Ended early, while it was open: it covered until now.
update windows set until_at = @at where number = @number and cancelled_at is null and from_at < @at and until_at > @at;

-- name: CancelWindow :execrows
update windows set cancelled_at = @at where number = @number and cancelled_at is null and until_at > @at;

-- name: WindowKnown :one
select exists (select from windows where number = @number);
