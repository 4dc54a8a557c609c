-- +goose NO TRANSACTION
-- +goose Up
-- What is due next of a ticket changes without anything being said: a row may be written again with the same number.
alter table escalations add column if not exists looks int not null default 0;
-- The start page asks for what is watched, soonest first; most escalations are closed, and nothing is due of them.
create index concurrently if not exists escalations_watching on escalations (next_at, number) where state = 'watching';

-- +goose Down
drop index concurrently if exists escalations_watching;
alter table escalations drop column if exists looks;
