-- +goose Up
-- Links under which a calendar shows somebody's shifts, or a schedule, by the SHA-256 of their secret.
create table feeds (
    id         text primary key,
    hash       bytea not null unique,
    person     text not null,
    schedule   text not null default '',   -- empty: all shifts of the person
    created_at timestamptz not null,
    revoked_at timestamptz
);
create index feeds_person on feeds (person) where revoked_at is null;

-- +goose Down
drop table feeds;
