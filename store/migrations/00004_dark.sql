-- +goose NO TRANSACTION
-- +goose Up
-- What was taken while this database was away is looked for by its instant, to be written once. The table grows in the
-- order of time, so that an index of ranges is enough and costs an insert next to nothing.
create index concurrently if not exists inbox_received on inbox using brin (received_at) with (autosummarize = on);

-- +goose Down
drop index inbox_received;
