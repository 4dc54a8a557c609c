-- +goose NO TRANSACTION

-- +goose Up
-- Who answers waits for what is just leaving. Built beside a running installation: the table is large.
create index concurrently if not exists messages_leaving on messages (workflow) where first is null;
create index concurrently if not exists silences_since on silences (since);

-- +goose Down
drop index messages_leaving;
drop index silences_since;
