-- name: WriteRow :exec
-- The row as the recorder has it. It may be the first to hear of an escalation that a plain Temporal client opened.
insert into escalations (number, seq, looks, state, title, service, unit, priority, owner, told, opened_at, next_at, summary)
values (@number, @seq, @looks, @state, @title, @service, @unit, @priority, @owner, @told, @opened_at,
        coalesce(sqlc.narg(next_at)::timestamptz, 'infinity'), @summary)
on conflict (number) do update
set seq = excluded.seq, looks = excluded.looks, state = excluded.state, title = excluded.title, service = excluded.service,
    unit = excluded.unit, priority = excluded.priority, owner = excluded.owner, told = excluded.told,
    opened_at = excluded.opened_at, next_at = excluded.next_at, summary = excluded.summary
where (escalations.seq, escalations.looks) < (excluded.seq, excluded.looks);

-- name: ReleaseKey :exec
-- Also when the row above came too late to be kept: a key once freed is never taken back.
update escalations set dedup_held = false where number = @number and dedup_held;

-- name: WriteEntries :exec
-- The entries as their JSON has them.
insert into timeline (escalation, seq, at, kind, actor, via, key, text, detail)
select @escalation, e.seq, e.at, e.kind, e.actor, coalesce(e.via, ''), coalesce(e.key, ''), e.text, coalesce(e.detail, '{}')
from jsonb_to_recordset(@entries::jsonb) as
    e (seq int, at timestamptz, kind text, actor text, via text, key text, text text, detail jsonb)
on conflict (escalation, seq) do nothing;

-- name: GetEscalation :one
select number, service_name, dedup_key, integration, alert, summary from escalations where number = @number;

-- name: ListNewest :many
-- Planned with the values at hand (see unprepared): a list of a few live ones must not walk a million closed ones.
select number, seq, looks, service_name, dedup_key, integration,
    (case when @brief::boolean then null else alert end)::jsonb as alert, (case when @brief::boolean then null else summary end)::jsonb as summary
from escalations
where number < @below
  and (cardinality(@states::text[]) = 0 or state = any (@states))
  and (not @live::boolean or state in ('open', 'acknowledged'))
  and (@canaries::boolean or canary = 0)
  and (cardinality(@services::text[]) = 0 or service = any (@services))
  and (cardinality(@units::text[]) = 0 or unit = any (@units))
  and (cardinality(@priorities::text[]) = 0 or priority = any (@priorities))
  and (@person::text = '' or owner = @person or told @> array [@person])
  and (@pattern::text = '' or title ilike @pattern)
order by number desc
limit @lim;

-- name: ListNext :many
select number, seq, looks, service_name, dedup_key, integration,
    (case when @brief::boolean then null else alert end)::jsonb as alert, (case when @brief::boolean then null else summary end)::jsonb as summary
from escalations
where (next_at, number) > (coalesce(sqlc.narg(after_at)::timestamptz, 'infinity'), @after_number::bigint)
  and (cardinality(@states::text[]) = 0 or state = any (@states))
  and (not @live::boolean or state in ('open', 'acknowledged'))
  and (@canaries::boolean or canary = 0)
  and (not @watching::boolean or state = 'watching')
  and (cardinality(@services::text[]) = 0 or service = any (@services))
  and (cardinality(@units::text[]) = 0 or unit = any (@units))
  and (cardinality(@priorities::text[]) = 0 or priority = any (@priorities))
  and (@person::text = '' or owner = @person or told @> array [@person])
  and (@pattern::text = '' or title ilike @pattern)
order by next_at, number
limit @lim;

-- name: Summaries :many
select number, seq, looks, summary from escalations where number = any (@numbers::bigint[]);

-- name: LiveOf :many
select summary from escalations
where state in ('open', 'acknowledged') and (owner = @person::text or told @> array [@person])
order by number desc;

-- name: ReadTimeline :many
select seq, at, kind, actor, via, key, text, detail from timeline
where escalation = @escalation and seq > @after
order by seq
limit @lim;

-- name: EscalationExists :one
select exists (select from escalations where number = @number);

-- name: UnwrittenReceipts :many
-- Receipts that the ledger has and the timeline not yet, in the order in which they were heard. Good news only: bad news
-- is written at once, and of what is over nothing more is written. "On its way" after other news is none.
select m.via, m.key, m.detail, r.receipt,
    (select max(t.seq) from timeline t where t.escalation = m.escalation)::int as written
from timeline m
join receipts r on r.message = m.key
where m.escalation = @escalation and m.kind = 'message' and r.receipt->>'class' in ('pending', 'arrived')
  and exists (select from escalations e where e.number = m.escalation and e.state <> 'closed')
  and not exists (
    select from timeline t
    where t.escalation = m.escalation and t.kind = 'receipt' and t.key = m.key
      and t.detail->>'status' = r.status and coalesce(t.detail->>'code', '') = r.code)
  and not (r.receipt->>'class' = 'pending' and exists (
    select from receipts earlier
    where earlier.message = r.message and earlier.noted_at < r.noted_at
    union all
    select from timeline t
    where t.escalation = m.escalation and t.kind = 'receipt' and t.key = m.key))
order by r.noted_at, m.seq;
