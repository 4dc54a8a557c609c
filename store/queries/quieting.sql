-- name: AlertOf :many
-- What is known of an alert beside its escalation: none or one.
select state, firing, seq, severity, group_key, muted_by, escalation, changes, since, due_at
from alerts where service = @service and dedup_key = @dedup_key
for update;

-- name: KeepAlert :exec
insert into alerts (service, dedup_key, state, firing, seq, severity, group_key, muted_by, escalation, changes, since, due_at)
values (@service, @dedup_key, @state, @firing, @seq, @severity, @group_key, @muted_by, nullif(@escalation::bigint, 0), @changes, @since, @due_at)
on conflict (service, dedup_key) do update
set state = excluded.state, firing = excluded.firing, seq = excluded.seq, severity = excluded.severity, group_key = excluded.group_key,
    muted_by = excluded.muted_by, escalation = excluded.escalation, changes = excluded.changes, since = excluded.since, due_at = excluded.due_at;

-- name: FlapsOn :exec
-- It fired while the records were away: it is not quiet.
update alerts set firing = true, due_at = null where service = @service and dedup_key = @dedup_key and state = 'flapping';

-- name: ForgetAlert :exec
delete from alerts where service = @service and dedup_key = @dedup_key;

-- name: GroupStands :one
-- When somebody last joined a group, and how many different alerts have been counted for it since an instant.
select coalesce(max(since) filter (where state = 'member'), 'epoch')::timestamptz as last,
       (count(*) filter (where state = 'counted' and since >= @from_at))::int as counted
from alerts where group_key = @group_key;

-- name: HolderOf :many
-- An escalation by its number, while it is open.
select number, priority, repeats, repeats_told, repeat_severity, severity_told,
       (repeated_at <= clock_timestamp() - @every::interval)::boolean as due
from escalations
where number = @number and state in ('open', 'acknowledged')
for update;

-- name: FiringMembers :one
select count(*)::int from alerts where escalation = @escalation and state = 'member' and firing;

-- name: CountedJoin :exec
-- Those that were only counted have their escalation now.
with joined as (
    update alerts set state = 'member', escalation = @escalation::bigint, due_at = null
    where group_key = @group_key and state = 'counted' and since >= @from_at
    returning seq
)
update inbox set escalation = @escalation::bigint, note = '' from joined where inbox.seq = joined.seq;

-- name: RipenAlerts :many
-- What is due becomes an event again, unless its end is about to be settled: that comes first. What is only
-- remembered is forgotten.
with due as (
    select service, dedup_key, state, seq, firing from alerts
    where due_at <= @at::timestamptz and (state <> 'delayed' or @all_delayed::boolean or seq = any (@delayed::bigint[]))
      and not exists (select from inbox i where i.service = alerts.service and i.dedup_key = alerts.dedup_key and i.settled_at is null and i.action = 'resolve'
                    and i.accepted_at > clock_timestamp() - interval '1 minute')
    order by due_at
    limit @lim
    for update skip locked
), past as (
    delete from alerts a using due d
    where a.service = d.service and a.dedup_key = d.dedup_key and (d.state in ('plain', 'counted') or d.state = 'flapping' and d.firing)
), rest as (
    update alerts a set due_at = null from due d
    where a.service = d.service and a.dedup_key = d.dedup_key and d.state in ('delayed', 'flapping')
)
update inbox set settled_at = null, escalation = null, note = '', ripened_at = @at::timestamptz, accepted_at = clock_timestamp()
from due d
where inbox.seq = d.seq and (d.state = 'delayed' or d.state = 'flapping' and not d.firing)
returning inbox.seq;

-- name: MutedAlerts :many
-- What is muted by none of these windows.
select i.seq, i.integration, i.service, i.dedup_key, i.sender_key, i.format, i.action, i.alert, ''::bytea as raw, i.received_at, i.route, false as ripened
from alerts a
join inbox i on i.seq = a.seq
where a.state = 'muted' and a.muted_by <> '' and a.muted_by <> all (@open::text[])
  and not exists (select from inbox u where u.service = a.service and u.dedup_key = a.dedup_key and u.settled_at is null and u.action = 'resolve'
                  and u.accepted_at > clock_timestamp() - interval '1 minute')
order by i.seq
limit @lim;

-- name: DelayedAlerts :many
-- What was delayed and is due, with the worst severity of what waits.
select i.seq, i.integration, i.service, i.dedup_key, i.sender_key, i.format, i.action,
       (i.alert || jsonb_build_object('severity', a.severity))::jsonb as alert, ''::bytea as raw, i.received_at, i.route, false as ripened
from alerts a
join inbox i on i.seq = a.seq
where a.due_at <= @at::timestamptz and a.state = 'delayed'
  and not exists (select from inbox u where u.service = a.service and u.dedup_key = a.dedup_key and u.settled_at is null and u.action = 'resolve'
                  and u.accepted_at > clock_timestamp() - interval '1 minute')
order by a.due_at
limit @lim;

-- name: MuteDelayed :exec
with left_to as (
    update alerts set state = 'muted', muted_by = @muted_by::text, due_at = null where alerts.seq = @seq and state = 'delayed' and due_at is not null returning alerts.seq
)
update inbox set note = @note from left_to where inbox.seq = left_to.seq;

-- name: ForgetMembers :execrows
-- Members of groups that are over for good: whoever never said that it was well again has no place there any more.
with past as (
    select a.service, a.dedup_key from alerts a
    where a.state = 'member' and a.since < @before::timestamptz
      and not exists (select from escalations e where e.number = a.escalation and e.state <> 'closed')
    order by a.since
    limit @lim
    for update of a skip locked
)
delete from alerts using past where alerts.service = past.service and alerts.dedup_key = past.dedup_key;

-- name: MuteAnew :exec
update alerts set muted_by = @muted_by where seq = @seq and state = 'muted';

-- name: UnmuteAlert :many
with freed as (
    update alerts set muted_by = '' where alerts.seq = @seq and state = 'muted' and muted_by <> '' returning alerts.seq
)
update inbox set settled_at = null, escalation = null, note = '', ripened_at = @at::timestamptz, accepted_at = clock_timestamp()
from freed where inbox.seq = freed.seq
returning inbox.seq;
