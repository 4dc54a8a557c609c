-- +goose Up
-- Tickets of other systems as they were observed: the last version, every version, and which deliveries were taken.
create table tickets (
    system      text        not null,
    key         text        not null,
    version     int         not null,
    ticket      jsonb       not null, -- the last version
    state       text        not null,
    service     text        not null,
    changed_at  timestamptz not null, -- in its system
    observed_at timestamptz not null default clock_timestamp(),
    escalation  bigint references escalations, -- that watches it; null: nothing is promised about it
    revision    text        not null default '', -- whose promises hold
    primary key (system, key)
);
create index tickets_open on tickets (changed_at desc, system, key) where state not in ('solved', 'closed', 'cancelled');
create index tickets_changed on tickets (changed_at);
create index tickets_escalation on tickets (escalation) where escalation is not null;

create table ticket_versions (
    system      text        not null,
    key         text        not null,
    version     int         not null check (version > 0),
    at          timestamptz not null,
    ticket      jsonb       not null,
    observed_at timestamptz not null default clock_timestamp(),
    primary key (system, key, version),
    foreign key (system, key) references tickets
);

-- A delivery that comes twice is heard once.
create table ticket_deliveries (
    source      text        not null,
    delivery    text        not null,
    system      text        not null,
    key         text        not null,
    version     int         not null,
    observed_at timestamptz not null default clock_timestamp(),
    primary key (source, delivery)
);
create index ticket_deliveries_age on ticket_deliveries (observed_at);

alter table errands drop constraint errands_kind_check;
alter table errands add constraint errands_kind_check check (kind in ('open', 'repeat', 'say', 'ticket')) not valid;

-- +goose Down
delete from errands where kind = 'ticket';
alter table errands drop constraint errands_kind_check;
alter table errands add constraint errands_kind_check check (kind in ('open', 'repeat', 'say')) not valid;
drop table ticket_deliveries, ticket_versions, tickets;
