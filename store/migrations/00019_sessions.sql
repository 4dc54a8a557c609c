-- +goose Up
-- Accounts are kept here for installations without a provider of identities, and for the first admin of the others.
create table accounts (
    name        text primary key check (name <> '' and name = lower(name)),
    hash        text not null,               -- argon2id, in the PHC notation
    role        text not null,
    person      text not null default '',
    created_at  timestamptz not null,
    changed_at  timestamptz not null,        -- sessions that began before this are over
    disabled_at timestamptz
);

-- A session is found by the SHA-256 of its secret. Who it is comes from the token or the account while there is one, so
-- that a revoked token and an account that was disabled end it at once.
create table sessions (
    id       text primary key,
    hash     bytea not null unique,
    token    text not null default '',
    account  text not null default '',
    subject  text not null default '',       -- issuer and subject, as the provider of identities vouched
    vouched  text not null default '',       -- whom the provider vouched for, when it is nobody of the blueprint
    name     text not null,
    role     text not null,
    person   text not null default '',
    began_at timestamptz not null,
    seen_at  timestamptz not null,
    ends_at  timestamptz not null,
    ended_at timestamptz
);
create index sessions_ends on sessions (ends_at);

-- +goose Down
drop table sessions;
drop table accounts;
