-- name: GetCurrentRevision :one
select r.hash, a.parent, a.applied_at, a.applied_by, a.changes, r.files
from current_revision c
join revisions r on r.hash = c.hash
join applications a on a.hash = r.hash
order by a.number desc
limit 1;

-- name: GetRevision :one
select r.hash, a.parent, a.applied_at, a.applied_by, a.changes, r.files
from revisions r
join applications a on a.hash = r.hash
where r.hash = @hash
order by a.number desc
limit 1;

-- name: ListApplications :many
select hash, parent, applied_at, applied_by, changes from applications order by number desc limit @lim;

-- name: TakeTurn :one
select hash from current_revision for update;

-- name: KeepRevision :exec
insert into revisions (hash, files) values (@hash, @files) on conflict (hash) do nothing;

-- name: AddApplication :exec
insert into applications (hash, parent, applied_at, applied_by, changes)
values (@hash, @parent, @applied_at, @applied_by, @changes);

-- name: PointTo :exec
update current_revision set hash = @hash;
