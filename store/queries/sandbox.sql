-- name: DeliverSandbox :execrows
insert into sandbox_messages (at, channel, person, address, escalation, subject, body, link, status, key)
values (@at, @channel, @person, @address, @escalation, @subject, @body, @link, @status, @key)
on conflict (key) do nothing;

-- name: GetSandboxByKey :one
select * from sandbox_messages where key = @key;

-- name: GetSandbox :one
select * from sandbox_messages where id = @id;

-- name: ListSandbox :many
select * from sandbox_messages where id > @after order by id limit @lim;

-- name: UpdateSandbox :execrows
update sandbox_messages
set status = coalesce(nullif(@status::text, ''), status), replies = replies || @replies::text[]
where id = @id;
