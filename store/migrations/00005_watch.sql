-- +goose Up
-- Who watches over Belay now, until when, and what they have found and told. One row, as one watches at a time.
create table watch (
    one      boolean primary key default true check (one),
    holder   text        not null default '',
    compares boolean     not null default false, -- asks Temporal too
    until    timestamptz not null default '-infinity',
    stand    jsonb       not null default '{}'
);
insert into watch default values;

-- +goose Down
drop table watch;
