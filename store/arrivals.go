package store

import (
	"context"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// EscalationOf is the escalation that a settled event opened, joined or addressed.
func (i Inbox) EscalationOf(ctx context.Context, seq int64) (id.Escalation, error) {
	places, err := sqlc.New(i.Pool).EventPlaces(ctx, []int64{seq})
	if err != nil {
		return "", faulty(err, "find event %d", seq)
	}
	if len(places) == 0 {
		return "", fault.New(fault.NotFound, "event %d", seq)
	}
	place := places[0]
	if place.Escalation == nil {
		return "", fault.New(fault.NotFound, "escalation of event %d", seq)
	}
	return id.OfNumber(*place.Escalation), nil
}

// PagedTo lists the pages sent to a person since then, newest first.
func (m Messages) PagedTo(ctx context.Context, p id.Person, since time.Time, lim int) ([]service.Sent, error) {
	rows, err := sqlc.New(m.Pool).PagedTo(ctx, text(string(p)), since, limit(lim, 100, 1000))
	if err != nil {
		return nil, faulty(err, "list pages to %s", p)
	}
	sent := make([]service.Sent, 0, len(rows))
	for _, row := range rows {
		one, err := sentOf(sqlc.MessageByKeyRow(row))
		if err != nil {
			return nil, err
		}
		sent = append(sent, one)
	}
	return sent, nil
}
