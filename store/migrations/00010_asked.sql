-- +goose NO TRANSACTION
-- +goose Up
-- Senders ask what became of a request by its name, and of their trouble by what they call it.
create index concurrently if not exists inbox_trace on inbox (trace) where trace <> '';
create index concurrently if not exists escalations_alias on escalations (integration, dedup_key, number) where dedup_key <> '';

-- +goose Down
drop index concurrently if exists inbox_trace;
drop index concurrently if exists escalations_alias;
