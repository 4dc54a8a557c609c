-- +goose Up
-- Whether the end of an escalation has been accepted, also when its run has not heard of it, or nobody has settled it yet: from
-- then on nobody is paged.
-- +goose StatementBegin
create function end_accepted(which bigint) returns boolean language sql stable as $$
    select exists (
        select from errands w
        where w.escalation = which and w.done_at is null and w.kind = 'say' and w.payload->>'verb' = 'resolve'
    ) or exists (
        select from escalations e
        join inbox i on i.service = coalesce(e.home, e.service) and i.dedup_key = e.dedup_key
        where e.number = which and e.dedup_held and e.dedup_key <> '' and i.settled_at is null and i.action = 'resolve'
          -- What rules keep an eye on may be held open all the same (it flaps): only settling says what its end does.
          and not exists (select from alerts a where a.service = i.service and a.dedup_key = i.dedup_key)
    )
$$;
-- +goose StatementEnd

-- +goose Down
drop function end_accepted(bigint);
