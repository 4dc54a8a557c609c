package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Heartbeats keeps signs of life.
type Heartbeats struct{ Pool *pgxpool.Pool }

// Get answers how one stands; fault.NotFound: it never came.
func (h Heartbeats) Get(ctx context.Context, name id.Heartbeat) (service.Heartbeat, error) {
	row, err := sqlc.New(h.Pool).GetHeartbeat(ctx, string(name))
	if err != nil {
		return service.Heartbeat{}, found(err, "heartbeat %q", string(name))
	}
	return heartbeatOf(row), nil
}

// List answers how all stand, by name.
func (h Heartbeats) List(ctx context.Context) ([]service.Heartbeat, error) {
	rows, err := sqlc.New(h.Pool).ListHeartbeats(ctx)
	return heartbeatsOf(rows), faulty(err, "list heartbeats")
}

// Beat notes a sign of life.
func (h Heartbeats) Beat(ctx context.Context, name id.Heartbeat, at, due time.Time) error {
	return faulty(sqlc.New(h.Pool).BeatHeartbeat(ctx, text(string(name)), at, &due), "note heartbeat %q", string(name))
}

// Disarm has nobody wait for it until it comes again.
func (h Heartbeats) Disarm(ctx context.Context, name id.Heartbeat) error {
	return faulty(sqlc.New(h.Pool).DisarmHeartbeat(ctx, string(name)), "disarm heartbeat %q", string(name))
}

// Overdue lists those that were due before an instant and are not known to be missing.
func (h Heartbeats) Overdue(ctx context.Context, at time.Time) ([]service.Heartbeat, error) {
	rows, err := sqlc.New(h.Pool).OverdueHeartbeats(ctx, &at)
	return heartbeatsOf(rows), faulty(err, "list overdue heartbeats")
}

// Lapse notes that one is missing. Who is second changes nothing.
func (h Heartbeats) Lapse(ctx context.Context, late service.Heartbeat) (back bool, err error) {
	q := sqlc.New(h.Pool)
	missing, err := q.LapseHeartbeat(ctx, late.BeatAt, string(late.Name), int32(late.Lapses))
	if err != nil {
		return false, faulty(err, "note that heartbeat %q is missing", string(late.Name))
	}
	if len(missing) == 1 {
		return !missing[0], nil
	}
	row, err := q.GetHeartbeat(ctx, string(late.Name)) // another judge was first, or it came
	if err != nil {
		return false, found(err, "heartbeat %q", string(late.Name))
	}
	return !row.Missing, nil
}

// Promise has it be due so long after it last came.
func (h Heartbeats) Promise(ctx context.Context, name id.Heartbeat, within time.Duration) error {
	return faulty(sqlc.New(h.Pool).PromiseHeartbeat(ctx, within, string(name)), "renew the promise of heartbeat %q", string(name))
}

// Judged notes until when all have been judged.
func (h Heartbeats) Judged(ctx context.Context, at time.Time) error {
	return faulty(sqlc.New(h.Pool).Judge(ctx, &at), "note that heartbeats were judged")
}

// Hearing notes that somebody listens.
func (h Heartbeats) Hearing(ctx context.Context, at time.Time, gap time.Duration) (time.Time, error) {
	since, err := sqlc.New(h.Pool).Hear(ctx, at, gap)
	return since, faulty(err, "note that somebody listens")
}

func heartbeatOf(r sqlc.Heartbeat) service.Heartbeat {
	h := service.Heartbeat{Name: id.Heartbeat(r.Name), BeatAt: r.BeatAt, Missing: r.Missing, Lapses: int(r.Lapses)}
	if r.DueAt != nil {
		h.DueAt = *r.DueAt
	}
	return h
}

func heartbeatsOf(rows []sqlc.Heartbeat) []service.Heartbeat {
	out := make([]service.Heartbeat, len(rows))
	for n, r := range rows {
		out[n] = heartbeatOf(r)
	}
	return out
}
