-- +goose Up

-- Maintenance windows made by hand. One that ended early, or was cancelled, keeps its row.
create table windows (
    number       bigint generated always as identity primary key, -- W-<number>
    name         text        not null,
    from_at      timestamptz not null,
    until_at     timestamptz not null,
    services     text[]      not null,
    condition    text        not null,
    up_to        text        not null,
    reason       text        not null,
    created_at   timestamptz not null default now(),
    cancelled_at timestamptz,
    check (from_at < until_at)
);
create index windows_until on windows (until_at) where cancelled_at is null;

-- Signs of life: a row is made by the first one.
create table heartbeats (
    name    text primary key, -- in the blueprint
    beat_at timestamptz not null,
    due_at  timestamptz, -- null: nobody waits for it
    missing boolean     not null default false,
    lapses  int         not null default 0
);
create index heartbeats_due on heartbeats (due_at) where not missing;

-- Whether anybody could have heard one: one row.
create table hearing (
    one      boolean primary key default true check (one),
    since_at timestamptz not null,
    last_at  timestamptz not null
);

-- +goose Down
drop table hearing, heartbeats, windows;
