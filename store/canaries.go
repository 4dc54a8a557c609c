package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Canaries keeps alerts of ours to ourselves on their way.
type Canaries struct{ Pool *pgxpool.Pool }

// Claim is described at service.CanaryBook.
func (c Canaries) Claim(ctx context.Context, named []id.Integration, at time.Time, term time.Duration) ([]service.Canary, error) {
	q := sqlc.New(c.Pool)
	names := make([]string, len(named)) // never null: "all of null" is no answer
	for n, name := range named {
		names[n] = string(name)
	}
	if len(names) > 0 {
		if err := q.AddCanaries(ctx, at, names); err != nil {
			return nil, faulty(err, "put %d canaries on record", len(names))
		}
	}
	rows, err := q.ClaimCanaries(ctx, at.Add(term), at, names)
	if err != nil {
		return nil, faulty(err, "take the canaries that are due")
	}
	out := make([]service.Canary, len(rows))
	for n, r := range rows {
		out[n] = canaryOf(sqlc.ListCanariesRow(r))
		last, err := q.LastWalkOf(ctx, r.Integration)
		if err != nil {
			return nil, faulty(err, "read the walk of the canary of %q", r.Integration)
		}
		if len(last) > 0 {
			out[n].Walk = walkOf(last[0])
		}
	}
	return out, nil
}

const walksKept = 7 * 24 * time.Hour

// Begin puts a new walk on record. Those of last week go.
func (c Canaries) Begin(ctx context.Context, in id.Integration, at time.Time) (int64, error) {
	q := sqlc.New(c.Pool)
	if err := q.DropWalks(ctx, string(in), at.Add(-walksKept)); err != nil {
		return 0, faulty(err, "drop old walks of the canary of %q", string(in))
	}
	number, err := q.BeginWalk(ctx, string(in), at)
	return number, faulty(err, "begin a walk of the canary of %q", string(in))
}

// Keep writes how a canary and its walk stand, and lets go of it.
func (c Canaries) Keep(ctx context.Context, s service.Canary) error {
	w := s.Walk
	var number int64
	if w.Escalation != "" {
		var err error
		if number, err = numberOf(w.Escalation); err != nil {
			return err
		}
	}
	passed := func(hop service.Hop) *time.Time { return moment(w.Passed[hop]) }
	err := transact(ctx, c.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		if err := q.KeepWalk(ctx, sqlc.KeepWalkParams{
			Number: w.Number, Escalation: number, EventAt: passed(service.HopEvent), EscalationAt: passed(service.HopEscalation),
			PageAt: passed(service.HopPage), ReceiptAt: passed(service.HopReceipt), AskedAt: moment(w.AskedAt),
			ResolveAt: passed(service.HopResolve), EndedAt: moment(w.EndedAt), Broken: string(w.Broken), Why: text(w.Why),
		}); err != nil {
			return err
		}
		return q.KeepCanary(ctx, sqlc.KeepCanaryParams{
			Integration: string(s.Integration), Broken: string(s.Broken), Service: string(s.Service), LookedAt: s.LookedAt, NextAt: s.NextAt,
		})
	})
	return faulty(err, "keep the canary of %q", string(s.Integration))
}

// Forget removes the canary of an integration.
func (c Canaries) Forget(ctx context.Context, in id.Integration) error {
	return faulty(sqlc.New(c.Pool).ForgetCanary(ctx, string(in)), "forget the canary of %q", string(in))
}

// Opened is the escalation of a walk. fault.NotFound.
func (c Canaries) Opened(ctx context.Context, walk int64) (id.Escalation, error) {
	number, err := sqlc.New(c.Pool).CanaryOpened(ctx, walk)
	if err != nil {
		return "", found(err, "escalation of canary %d", walk)
	}
	return id.OfNumber(number), nil
}

// Left lists walks of an integration, but this one, whose escalations are not over.
func (c Canaries) Left(ctx context.Context, in id.Integration, but int64) ([]service.CanaryLeft, error) {
	rows, err := sqlc.New(c.Pool).CanariesLeft(ctx, but, string(in))
	if err != nil {
		return nil, faulty(err, "list what canaries of %q left open", string(in))
	}
	out := make([]service.CanaryLeft, len(rows))
	for n, r := range rows {
		out[n] = service.CanaryLeft{Walk: r.Canary, Service: id.Service(r.Service)}
	}
	return out, nil
}

// Walks lists the last ones of every integration, newest first.
func (c Canaries) Walks(ctx context.Context, each int) ([]service.CanaryWalk, error) {
	rows, err := sqlc.New(c.Pool).LastWalks(ctx, limit(each, 1, 50))
	if err != nil {
		return nil, faulty(err, "list the walks of canaries")
	}
	out := make([]service.CanaryWalk, len(rows))
	for n, r := range rows {
		out[n] = walkOf(sqlc.CanaryWalk(r))
	}
	return out, nil
}

// List answers how all stand, by integration.
func (c Canaries) List(ctx context.Context) ([]service.Canary, error) {
	rows, err := sqlc.New(c.Pool).ListCanaries(ctx)
	if err != nil {
		return nil, faulty(err, "list canaries")
	}
	out := make([]service.Canary, len(rows))
	for n, r := range rows {
		out[n] = canaryOf(r)
	}
	return out, nil
}

func canaryOf(r sqlc.ListCanariesRow) service.Canary {
	return service.Canary{
		Integration: id.Integration(r.Integration), Broken: service.Hop(r.Broken), Service: id.Service(r.Service), LookedAt: r.LookedAt, NextAt: r.NextAt,
	}
}

func walkOf(r sqlc.CanaryWalk) service.CanaryWalk {
	w := service.CanaryWalk{
		Number: r.Number, Integration: id.Integration(r.Integration), BeganAt: r.BeganAt, Passed: map[service.Hop]time.Time{},
		Broken: service.Hop(r.Broken), Why: r.Why,
	}
	if r.Escalation != nil {
		w.Escalation = id.OfNumber(*r.Escalation)
	}
	for hop, at := range map[service.Hop]*time.Time{
		service.HopEvent: r.EventAt, service.HopEscalation: r.EscalationAt, service.HopPage: r.PageAt, service.HopReceipt: r.ReceiptAt, service.HopResolve: r.ResolveAt,
	} {
		if at != nil {
			w.Passed[hop] = *at
		}
	}
	if r.AskedAt != nil {
		w.AskedAt = *r.AskedAt
	}
	if r.EndedAt != nil {
		w.EndedAt = *r.EndedAt
	}
	return w
}
