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
	missing, err := sqlc.New(h.Pool).LapseHeartbeat(ctx, late.BeatAt, string(late.Name), int32(late.Lapses))
	return len(missing) == 1 && !missing[0], faulty(err, "note that heartbeat %q is missing", string(late.Name))
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
