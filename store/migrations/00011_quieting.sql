-- +goose NO TRANSACTION
-- +goose Up

-- What the rules said of an event; null: nothing that is not plain. And since when it is to be settled once more: what was
-- delayed, or muted by a window, becomes an event again when its time has come.
alter table inbox add column if not exists route jsonb;
alter table inbox add column if not exists ripened_at timestamptz;

-- The service of the conversation, where rules chose another service for its escalation; '*' for a group of alerts.
alter table escalations add column if not exists home text;
create unique index concurrently if not exists escalations_conversation on escalations (coalesce(home, service), dedup_key) where dedup_held;
-- No longer unique: alerts of two integrations may have one service and one dedup key. The release before looks here.
create index concurrently if not exists escalations_dedup_of_service on escalations (service, dedup_key) where dedup_held;
drop index concurrently if exists escalations_dedup;

-- Alerts that are more than an escalation of their own: delayed, muted, counted, members of a group, flapping.
create table if not exists alerts (
    service    text not null, -- of the conversation
    dedup_key  text not null,
    state      text not null check (state in ('plain', 'delayed', 'muted', 'counted', 'member', 'flapping')),
    firing     boolean not null,
    seq        bigint not null, -- the event that is settled once more when its time has come
    severity   text not null, -- the worst of it
    group_key  text not null default '',
    muted_by   text not null default '', -- a window
    escalation bigint, -- of a member
    changes    timestamptz[] not null default '{}', -- between quiet and firing, where that is watched
    since      timestamptz not null,
    due_at     timestamptz,
    primary key (service, dedup_key)
);
create index concurrently if not exists alerts_due on alerts (due_at) where due_at is not null;
create index concurrently if not exists alerts_muted on alerts (muted_by) where state = 'muted';
create index concurrently if not exists alerts_group on alerts (group_key, since) where group_key <> '';
create index concurrently if not exists alerts_members on alerts (escalation) where escalation is not null;

-- +goose Down
drop table alerts;
create unique index concurrently escalations_dedup on escalations (service, dedup_key) where dedup_held;
drop index escalations_dedup_of_service, escalations_conversation;
alter table escalations drop column home;
alter table inbox drop column ripened_at, drop column route;
