-- +goose NO TRANSACTION
-- +goose Up

-- Alerts of ours to ourselves: the walk that opened it; 0: it is somebody's.
alter table escalations add column if not exists canary bigint not null default 0;
create index concurrently if not exists escalations_canary on escalations (canary) where canary > 0;

-- How the canaries of an integration stand, and until when somebody looks at them.
create table if not exists canaries (
    integration text primary key,
    broken      text        not null default '', -- the hop of which an escalation tells
    service     text        not null default '', -- whose escalation that is
    looked_at   timestamptz not null,
    next_at     timestamptz not null,
    held_until  timestamptz not null default '-infinity'
);

create table if not exists canary_walks (
    number        bigint generated always as identity primary key,
    integration   text        not null,
    began_at      timestamptz not null,
    escalation    bigint,
    event_at      timestamptz,
    escalation_at timestamptz,
    page_at       timestamptz,
    receipt_at    timestamptz,
    asked_at      timestamptz, -- the door was told that all is well
    resolve_at    timestamptz,
    ended_at      timestamptz,
    broken        text        not null default '',
    why           text        not null default ''
);
create index concurrently if not exists canary_walks_newest on canary_walks (integration, number desc);

-- Until when signs of life have been judged: whoever listens and cannot judge hears nothing.
alter table hearing add column if not exists judged_at timestamptz;

-- +goose Down
alter table hearing drop column judged_at;
drop table canary_walks, canaries;
drop index escalations_canary;
alter table escalations drop column canary;
