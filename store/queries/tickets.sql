-- name: LockTicket :exec
select pg_advisory_xact_lock(hashtextextended('ticket' || chr(31) || @system::text || chr(31) || @key::text, 0));

-- name: TakeDelivery :execrows
insert into ticket_deliveries (source, delivery, system, key, version) values (@source, @delivery, @system, @key, @version)
on conflict do nothing;

-- name: KnownDelivery :one
select d.system, d.key, d.version, t.escalation
from ticket_deliveries d
left join tickets t on t.system = d.system and t.key = d.key
where d.source = @source and d.delivery = @delivery;

-- name: NoteDelivery :exec
update ticket_deliveries set version = @version where source = @source and delivery = @delivery;

-- name: TicketForUpdate :one
select version, ticket, changed_at, escalation, revision, counter from tickets where system = @system and key = @key for update;

-- name: LockEscalation :one
-- Errands of an escalation are added under the lock of its row.
select state, priority from escalations where number = @number for update;

-- name: PutTicket :exec
insert into tickets (system, key, version, ticket, state, service, changed_at, escalation, revision, counter)
values (@system, @key, @version, @ticket, @state, @service, @changed_at, @escalation, @revision, @counter)
on conflict (system, key) do update
set version = excluded.version, ticket = excluded.ticket, state = excluded.state, service = excluded.service,
    changed_at = excluded.changed_at, observed_at = clock_timestamp(), escalation = excluded.escalation, revision = excluded.revision,
    counter = greatest(tickets.counter, excluded.counter);

-- name: AddTicketVersion :exec
insert into ticket_versions (system, key, version, at, ticket) values (@system, @key, @version, @at, @ticket);

-- name: GetTicket :one
select t.system, t.key, t.version, t.ticket, t.changed_at, t.observed_at, t.escalation, t.revision, e.summary
from tickets t
left join escalations e on e.number = t.escalation
where t.system = @system and t.key = @key;

-- name: TicketOf :one
select system, key from tickets where escalation = @escalation;

-- name: TicketHistory :many
select version, at, ticket from ticket_versions where system = @system and key = @key order by version;

-- name: ListTickets :many
select t.system, t.key, t.version, t.ticket, t.changed_at, t.observed_at, t.escalation, t.revision, e.summary
from tickets t
left join escalations e on e.number = t.escalation
where (t.system, t.key) > (@after_system::text, @after_key::text)
  and (cardinality(@states::text[]) = 0 or t.state = any (@states))
  and (cardinality(@services::text[]) = 0 or t.service = any (@services))
  and (not @watched::boolean or e.state in ('watching', 'open', 'acknowledged'))
  and (sqlc.narg(since)::timestamptz is null or t.changed_at >= sqlc.narg(since)::timestamptz)
order by t.system, t.key
limit @lim;

-- name: MoveRevision :execrows
update tickets set revision = @revision where system = @system and key = @key and revision = @before and version = @version;

-- name: CountTicket :exec
update tickets set counter = greatest(counter, @counter) where system = @system and key = @key;
