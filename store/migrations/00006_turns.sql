-- +goose NO TRANSACTION
-- +goose Up
-- Whose turn it is among what the engine must still be told: 1 (P1) to 5. Errands of a release that knows no ranks go
-- in the middle. A relay that took some holds the first of each escalation for a while, so that others take the next.
alter table errands add column if not exists rank smallint not null default 3;
alter table errands add column if not exists held_until timestamptz;
create index concurrently if not exists errands_starts on errands (rank, id) where done_at is null and kind = 'open';
create index concurrently if not exists errands_words on errands (id) where done_at is null and kind <> 'open';
-- What the engine was given lately, to see what it has been heard of.
create index concurrently if not exists errands_started on errands (done_at) where kind = 'open' and done_at is not null;

-- +goose Down
drop index errands_starts, errands_words, errands_started;
alter table errands drop column rank, drop column held_until;
