-- +goose NO TRANSACTION
-- +goose Up
-- One request may bring many events: they are told apart from others by the name that the sender was given for the request,
-- and the first of them keeps its body.
alter table inbox
    add column if not exists trace text not null default '', -- empty: the sender was told none
    add column if not exists raw_of bigint; -- the event that keeps the raw request; null: this one

-- +goose Down
alter table inbox drop column trace, drop column raw_of;
