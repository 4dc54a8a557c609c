-- name: CreateSession :exec
insert into sessions (id, hash, token, account, subject, vouched, name, role, person, began_at, seen_at, ends_at)
values (@id, @hash, @token, @account, @subject, @vouched, @name, @role, @person, @began_at, @began_at, @ends_at);

-- name: FindSession :one
select s.id, s.token, s.account, s.subject, s.vouched, s.began_at, s.seen_at, s.ends_at,
       coalesce(t.name, s.name)::text as name,
       coalesce(t.role, a.role, s.role)::text as role,
       coalesce(t.person, a.person, s.person)::text as person
from sessions s
left join tokens t on t.id = s.token and s.token <> ''
left join accounts a on a.name = s.account and s.account <> ''
where s.hash = @hash and s.ended_at is null and s.ends_at > @at and s.seen_at > @idle_since
  and (s.token = '' or (t.id is not null and t.revoked_at is null))
  and (s.account = '' or (a.name is not null and a.disabled_at is null and a.changed_at <= s.began_at));

-- name: TouchSession :exec
update sessions set seen_at = @at where id = @id and seen_at < @at;

-- name: EndSession :one
update sessions set ended_at = @at where hash = @hash and ended_at is null returning id;

-- name: ForgetSessions :exec
delete from sessions where id in (select o.id from sessions o where o.ends_at < @before order by o.ends_at limit 1000);
