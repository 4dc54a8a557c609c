-- name: ShareWorkflow :exec
-- Until the end of the transaction: whoever wants nothing to leave any more waits for what is just being noted.
select pg_advisory_xact_lock_shared(hashtextextended(@workflow::text, 21));

-- name: HoldWorkflow :exec
select pg_advisory_xact_lock(hashtextextended(@workflow::text, 21));

-- name: BeginMessage :execrows
-- A statement of its own after the lock, so that it sees what was committed while it waited. Whose end we have accepted is
-- not paged any more, also while its run has not heard of the end.
insert into messages (key, workflow, message, begun_at)
select @key, @workflow, @message, @begun_at
where not exists (select from silences s where s.workflow = @workflow and s.since > @decided)
  and not end_accepted(@escalation)
on conflict (key) do nothing;

-- name: BegunMessage :one
select begun_at, first,
    (exists (select from silences s where s.workflow = messages.workflow and s.since > @decided::timestamptz) or end_accepted(@escalation))::boolean as silenced
from messages where key = @key;

-- name: IsSilenced :one
select (exists (select from silences s where s.workflow = @workflow and s.since > @decided) or end_accepted(@escalation))::boolean;

-- name: FallSilent :exec
insert into silences (workflow, since) values (@workflow, @since)
on conflict (workflow) do update set since = greatest(silences.since, excluded.since);

-- name: ForgetSilences :exec
delete from silences where since < clock_timestamp() - @keep::interval;

-- name: LeavingPages :one
-- The conditions are those of the index messages_leaving.
select exists (
    select from messages
    where workflow = @workflow and first is null and begun_at > clock_timestamp() - @within::interval and message->>'purpose' = 'page'
);

-- name: FinishMessage :execrows
update messages
set first = coalesce(first, @receipt), last = coalesce(last, @receipt),
    provider = coalesce(nullif(provider, ''), @provider), provider_id = coalesce(nullif(provider_id, ''), @provider_id)
where key = @key;

-- name: NoteReceipt :execrows
insert into receipts (message, status, code, provider_id, receipt)
values (@message, @status, @code, @provider_id, @receipt)
on conflict do nothing;

-- name: HearMessage :execrows
-- "Accepted" says less than whatever came before it: carriers' callbacks overtake each other.
update messages
set last = case when last is null or @status::text <> 'accepted' then @receipt else last end,
    provider = coalesce(nullif(provider, ''), @provider), provider_id = coalesce(nullif(provider_id, ''), @provider_id)
where key = @key;

-- name: MessageByKey :one
select workflow, message, begun_at, last from messages where key = @key;

-- name: MessageByProvider :one
select workflow, message, begun_at, last from messages
where provider = @provider and provider_id = @provider_id and provider_id <> ''
order by begun_at desc
limit 1;

-- name: PagedTo :many
select workflow, message, begun_at, last from messages
where message->>'person' = @person::text and message->>'purpose' = 'page' and begun_at >= @since
order by begun_at desc
limit @lim;

-- name: ClaimUnheard :many
-- The conditions are those of the index messages_unheard. A turn that is counted is not taken again, whoever dies with it.
with due as materialized (
    select d.key from messages d
    where d.provider_id <> '' and d.asked < 4 and d.last->>'status' in ('accepted', 'answered')
      and d.provider = any(@providers::text[])
      and d.begun_at > @since::timestamptz
      and d.begun_at <= (@turns::timestamptz[])[d.asked + 1]
    order by d.begun_at
    limit @lim
    for update skip locked
)
update messages m set asked = m.asked + 1 from due
where m.key = due.key
returning m.workflow, m.message, m.begun_at, m.last, m.provider, m.provider_id;
