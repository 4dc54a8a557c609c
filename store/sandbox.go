package store

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Sandbox keeps the phones and mailboxes of the sandbox.
type Sandbox struct{ Pool *pgxpool.Pool }

// Deliver keeps a message and gives it its ID; a known key returns the message as it is now.
func (s Sandbox) Deliver(ctx context.Context, m service.SandboxMessage) (service.SandboxMessage, error) {
	q := sqlc.New(s.Pool)
	_, err := q.DeliverSandbox(ctx, sqlc.DeliverSandboxParams{
		At: m.At, Channel: text(string(m.Channel)), Person: text(string(m.Person)), Address: text(m.To),
		Escalation: text(string(m.Escalation)), Subject: text(m.Subject), Body: text(m.Body), Link: text(m.Link),
		Status: text(m.Status), Key: text(m.Key),
	})
	if err != nil {
		return service.SandboxMessage{}, faulty(err, "deliver message %s", m.Key)
	}
	row, err := q.GetSandboxByKey(ctx, text(m.Key))
	if err != nil {
		return service.SandboxMessage{}, found(err, "message %s", m.Key)
	}
	return sandboxOf(row), nil
}

// Get returns one message.
func (s Sandbox) Get(ctx context.Context, message int64) (service.SandboxMessage, error) {
	row, err := sqlc.New(s.Pool).GetSandbox(ctx, message)
	if err != nil {
		return service.SandboxMessage{}, found(err, "sandbox message %d", message)
	}
	return sandboxOf(row), nil
}

// List returns messages with an ID above after, oldest first. Limit is 1 to 1000; 0 is 200.
func (s Sandbox) List(ctx context.Context, after int64, lim int) ([]service.SandboxMessage, error) {
	rows, err := sqlc.New(s.Pool).ListSandbox(ctx, after, limit(lim, 200, 1000))
	if err != nil {
		return nil, faulty(err, "list sandbox messages")
	}
	messages := make([]service.SandboxMessage, len(rows))
	for n, row := range rows {
		messages[n] = sandboxOf(row)
	}
	return messages, nil
}

// Update changes the status, if one is given, and adds replies.
func (s Sandbox) Update(ctx context.Context, message int64, status string, replies ...string) error {
	updated, err := sqlc.New(s.Pool).UpdateSandbox(ctx, text(status), strs(replies), message)
	if err != nil {
		return faulty(err, "update sandbox message %d", message)
	}
	if updated == 0 {
		return fault.New(fault.NotFound, "sandbox message %d", message)
	}
	return nil
}

func sandboxOf(r sqlc.SandboxMessage) service.SandboxMessage {
	m := service.SandboxMessage{
		ID: r.ID, At: r.At, Channel: org.Channel(r.Channel), Person: id.Person(r.Person), To: r.Address,
		Escalation: id.Escalation(r.Escalation), Subject: r.Subject, Body: r.Body, Link: r.Link, Status: r.Status, Key: r.Key,
	}
	if len(r.Replies) > 0 {
		m.Replies = r.Replies
	}
	return m
}
