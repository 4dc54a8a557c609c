-- name: FindToken :one
select id, name, role, person, created_at from tokens where hash = @hash and revoked_at is null;

-- name: CreateToken :exec
insert into tokens (id, name, role, person, hash, created_at) values (@id, @name, @role, @person, @hash, @created_at);

-- name: ListTokens :many
select id, name, role, person, created_at, revoked_at from tokens order by created_at, id;

-- name: RevokeToken :execrows
update tokens set revoked_at = @at where id = @id and revoked_at is null;

-- name: TokenExists :one
select exists (select from tokens where id = @id);
