-- name: ListBarred :many
select person, method, reason from barred;

-- name: Bar :execrows
insert into barred (person, method, reason, since) values (@person, @method, @reason, @since)
on conflict (person, method) do update set reason = excluded.reason where barred.reason <> excluded.reason;

-- name: Unbar :execrows
delete from barred where person = @person and method = @method;
