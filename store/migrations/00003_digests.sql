-- +goose Up

-- One row for each way to a person by which a page ever wanted to leave. Its lock is the turn to decide.
create table ways (
    person text  not null,
    method text  not null,
    passed jsonb not null default '[]', -- surge.Passed: what left by it lately
    primary key (person, method)
);

-- Many pages in one message. Its key is "D-<id>/<person>/<method>".
create table digests (
    id        bigint generated always as identity primary key,
    person    text        not null,
    method    text        not null,
    since     timestamptz not null, -- surge.Gathering
    newest    timestamptz not null,
    urgent    timestamptz,
    late      boolean     not null,
    due_at    timestamptz not null, -- when it leaves; when another process may take it over; when it is tried again
    frozen_at timestamptz,          -- from here on no page is added
    sending   boolean     not null default false,
    attempts  int         not null default 0,
    ended_at  timestamptz,
    receipt   jsonb -- last heard of it; null at the end: nothing was left to tell
);
create unique index digests_gathering on digests (person, method) where frozen_at is null;
create index digests_due on digests (due_at) where ended_at is null;
create index digests_person on digests (person, id);

-- The pages in them. The signed links are not kept: they can be made again.
create table gathered (
    key         text primary key,
    digest      bigint      not null references digests,
    workflow    text        not null,
    escalation  bigint      not null,
    brief       jsonb       not null,
    decided_at  timestamptz not null,
    answered_at timestamptz, -- it must not be told any more
    dropped_at  timestamptz, -- and was not
    tell_at     timestamptz -- when its workflow is to hear what became of it; null: nothing to tell
);
create index gathered_digest on gathered (digest);
create index gathered_workflow on gathered (workflow) where dropped_at is null;
create index gathered_tell on gathered (tell_at) where tell_at is not null;

-- +goose Down
drop table gathered, digests, ways;
