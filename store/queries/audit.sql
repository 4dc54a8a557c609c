-- name: WriteAudit :exec
insert into audit (at, actor, via, action, subject, reason, detail)
values (@at, @actor, @via, @action, @subject, @reason, @detail);

-- name: ListAudit :many
select at, actor, via, action, subject, reason, detail from audit
where @subject::text = '' or subject = @subject
order by id desc
limit @lim;

-- name: Announce :exec
select pg_notify(@channel, @payload);
