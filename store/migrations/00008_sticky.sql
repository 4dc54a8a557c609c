-- +goose Up
-- The queues by which Temporal hands each worker the workflows that it has in memory. Whoever polls one says so every
-- second; those of which nobody says so are emptied by others.
create table sticky (
    queue      text        primary key,
    deployment text        not null default '', -- of versioned workers
    build      text        not null default '',
    seen_at    timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

-- When an event came in, by our own clock: how long it waits is judged by the same.
alter table inbox add column accepted_at timestamptz not null default now();

-- +goose Down
alter table inbox drop column accepted_at;
drop table sticky;
