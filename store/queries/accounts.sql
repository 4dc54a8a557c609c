-- name: FindAccount :one
select name, hash, role, person, created_at, disabled_at from accounts where name = @name;

-- name: CreateAccount :execrows
insert into accounts (name, hash, role, person, created_at, changed_at) values (@name, @hash, @role, @person, @at, @at)
on conflict (name) do nothing;

-- name: ListAccounts :many
select name, role, person, created_at, disabled_at from accounts order by name;

-- name: ChangePassword :execrows
update accounts set hash = @hash, changed_at = @at where name = @name;

-- name: DisableAccount :execrows
update accounts set disabled_at = @at, changed_at = @at where name = @name and disabled_at is null;

-- name: EnableAccount :execrows
update accounts set disabled_at = null, changed_at = @at where name = @name and disabled_at is not null;

-- name: AccountExists :one
select exists (select from accounts where name = @name);
