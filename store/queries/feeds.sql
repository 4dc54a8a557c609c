-- name: CreateFeed :exec
insert into feeds (id, hash, person, schedule, created_at) values (@id, @hash, @person, @schedule, @created_at);

-- name: FindFeed :one
select id, person, schedule, created_at from feeds where hash = @hash and revoked_at is null;

-- name: ListFeeds :many
select id, person, schedule, created_at from feeds where person = @person and revoked_at is null order by created_at, id;

-- name: RevokeFeed :execrows
update feeds set revoked_at = @at where id = @id and person = @person and revoked_at is null;
