-- +goose Up
-- Who was paged lately: a vendor's people say "ack" without a number.
create index messages_person on messages ((message->>'person'), begun_at);

-- +goose Down
drop index messages_person;
