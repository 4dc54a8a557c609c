-- +goose NO TRANSACTION
-- +goose Up
-- How often a carrier was asked what became of a message, because it did not call back.
alter table messages add column if not exists asked smallint not null default 0;
create index concurrently if not exists messages_unheard on messages (begun_at)
    where provider_id <> '' and asked < 4 and last->>'status' in ('accepted', 'answered');

-- +goose Down
drop index messages_unheard;
alter table messages drop column asked;
