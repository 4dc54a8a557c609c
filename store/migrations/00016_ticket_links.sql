-- +goose Up
-- Which escalation has which ticket in which system. The timeline is the outbox: noted says how far it is written into
-- the ticket, wanted how far it goes. Wanted is moved in the transaction that writes the timeline.
create table ticket_links (
    id          bigint generated always as identity primary key,
    system      text        not null,
    escalation  bigint      not null references escalations,
    correlation text        not null unique, -- names the ticket before it exists
    ticket      text        not null default '', -- as its system addresses it; empty: not made yet
    number      text        not null default '',
    url         text        not null default '',
    noted       int         not null default 0,
    wanted      int         not null default 0,
    since       timestamptz not null default clock_timestamp(), -- when it last fell behind or got further
    due_at      timestamptz not null default clock_timestamp(), -- of the next attempt; until then one process has it alone
    attempts    int         not null default 0, -- that nobody has ended; above 0 a note may have arrived
    sides       jsonb       not null default '{}', -- tracker.Sides
    trouble     text        not null default '',
    gone        boolean     not null default false, -- deleted there: nothing more is written
    unique (escalation, system)
);
create index ticket_links_due on ticket_links (system, due_at) where noted < wanted and not gone;
create index ticket_links_ticket on ticket_links (system, ticket) where ticket <> '';

-- How it goes with a system, for all processes: one that is down is asked by one of them, now and then.
create table ticket_systems (
    system       text primary key,
    failures     int         not null default 0, -- in a row
    silent_until timestamptz not null default '-infinity',
    trouble      text        not null default '',
    cursor_at    timestamptz not null default clock_timestamp(), -- everything changed before this was heard
    poll_at      timestamptz not null default '-infinity'  -- of the next poll; until then one process has it
);

-- +goose Down
drop table ticket_systems, ticket_links;
