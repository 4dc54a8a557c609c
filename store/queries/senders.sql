-- name: CalledEscalation :one
-- The newest that this integration opened under a name, or that holds the name in its service, whoever opened it.
select number, service_name, dedup_key, integration, alert, summary from escalations
where number = (
    select max(number) from (
        (select e.number from escalations e where e.integration = @integration and e.dedup_key = @dedup_key and e.dedup_key <> '' order by e.number desc limit 1)
        union all
        (select h.number from escalations h where h.service = @service and h.dedup_key = @dedup_key and h.dedup_held limit 1)
    ) known (number)
);

-- name: RequestEvent :one
-- The first event of a request.
select seq, dedup_key, action, alert, received_at, settled_at, escalation, note from inbox
where trace = @trace and trace <> '' and integration = @integration
order by seq
limit 1;
