-- name: ForgetAnswers :exec
delete from idempotency where (scope, key) in (
    select i.scope, i.key from idempotency i
    where i.begun_at < now() - @keep::interval
    order by i.begun_at
    limit 20
    for update skip locked);

-- name: ClaimKey :execrows
-- A claim is taken over when its answer is too old to count, or when its request was cut off.
insert into idempotency (scope, key, request) values (@scope, @key, @request)
on conflict (scope, key) do update
set request = excluded.request, begun_at = now(), finished_at = null, status = 0, body = null
where idempotency.begun_at < now() - @keep::interval
   or (idempotency.finished_at is null and idempotency.request = excluded.request
       and idempotency.begun_at < now() - @patience::interval);

-- name: ClaimedKey :one
select request, finished_at, status, body from idempotency where scope = @scope and key = @key;

-- name: HoldClaim :exec
update idempotency set begun_at = now() where scope = @scope and key = @key and finished_at is null;

-- name: FinishKey :execrows
update idempotency set finished_at = now(), status = @status, body = @body where scope = @scope and key = @key;

-- name: AbandonKey :exec
delete from idempotency where scope = @scope and key = @key and finished_at is null;
