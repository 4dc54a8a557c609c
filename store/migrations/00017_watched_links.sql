-- +goose Up
-- A ticket that others opened and an escalation watches is linked too. Quiet: nothing was done yet that is to stand in it.
alter table ticket_links
    add column watched boolean not null default false,
    add column quiet   boolean not null default false;

-- Counts the changes of a ticket in its system: instants of a whole second do not say which of two came later. 0: not known.
alter table tickets add column counter bigint not null default 0;

-- +goose Down
alter table tickets drop column counter;
alter table ticket_links drop column quiet, drop column watched;
