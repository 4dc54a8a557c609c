package store

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Senders knows what monitors sent by the names that they know it by.
type Senders struct{ Pool *pgxpool.Pool }

// Called is the newest escalation that an integration opened under a dedup key, or that holds the key in its service.
// fault.NotFound.
func (s Senders) Called(ctx context.Context, in org.Integration, dedup string) (service.Escalation, error) {
	row, err := sqlc.New(s.Pool).CalledEscalation(ctx, string(in.ID), dedup, string(in.Service))
	if err != nil {
		return service.Escalation{}, found(err, "escalation of %q", dedup)
	}
	return escalationOf(sqlc.GetEscalationRow(row))
}

// Request is what became of a request. fault.NotFound.
func (s Senders) Request(ctx context.Context, in id.Integration, trace string) (service.Request, error) {
	row, err := sqlc.New(s.Pool).RequestEvent(ctx, trace, string(in))
	if err != nil {
		return service.Request{}, found(err, "request %q", trace)
	}
	r := service.Request{DedupKey: row.DedupKey, Note: row.Note, ReceivedAt: row.ReceivedAt}
	if err := json.Unmarshal(row.Alert, &r.Alert); err != nil {
		return service.Request{}, fault.Wrap(fault.Internal, err, "read the alert of request %q", trace)
	}
	r.Alert.Action = alert.Action(row.Action)
	if row.SettledAt != nil {
		r.SettledAt = *row.SettledAt
	}
	if row.Escalation != nil {
		r.Escalation = id.OfNumber(*row.Escalation)
	}
	return r, nil
}
