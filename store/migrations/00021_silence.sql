-- +goose Up
-- Since when nobody is to be paged of a run any more: what was decided before does not leave after it. It matters for as
-- long as a page may be on its way out, so that a crash may forget it.
create unlogged table silences (
    workflow text        primary key,
    since    timestamptz not null
);

-- The first P1 of a digest came of which nobody could know yet.
alter table digests add column news timestamptz;

-- +goose Down
alter table digests drop column news;
drop table silences;
