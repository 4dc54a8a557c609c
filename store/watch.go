package store

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Watch is what the watchdog reads, and the place where it keeps who watches. Its connections are its own, so that it
// sees when everybody else's are taken, and they are made when they are needed: it must run while the database is away.
type Watch struct {
	URL string

	mu   sync.Mutex
	pool *pgxpool.Pool
}

// Close ends its connections.
func (w *Watch) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pool != nil {
		w.pool.Close()
	}
	w.pool = nil
}

func (w *Watch) queries(ctx context.Context) (*sqlc.Queries, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pool == nil {
		pool, err := Open(ctx, w.URL, Options{MaxConns: 2, ConnectTimeout: 4 * time.Second, Name: "belay watchdog"})
		if err != nil {
			return nil, err
		}
		w.pool = pool
	}
	return sqlc.New(w.pool), nil
}

// Take holds the watch for a term.
func (w *Watch) Take(ctx context.Context, holder string, term time.Duration, compares bool) (stand service.Stand, mine bool, err error) {
	q, err := w.queries(ctx)
	if err != nil {
		return stand, false, err
	}
	rows, err := q.TakeWatch(ctx, text(holder), compares, term)
	if err != nil {
		return stand, false, faulty(err, "take the watch")
	}
	if len(rows) == 0 {
		return stand, false, nil
	}
	if err := json.Unmarshal(rows[0], &stand); err != nil {
		return service.Stand{}, true, nil // of another release: rather told twice than not at all
	}
	return stand, true, nil
}

// Keep stores what the holder has found.
func (w *Watch) Keep(ctx context.Context, holder string, s service.Stand) (mine bool, err error) {
	q, err := w.queries(ctx)
	if err != nil {
		return false, err
	}
	stand, err := document(s)
	if err != nil {
		return false, err
	}
	kept, err := q.KeepStand(ctx, stand, text(holder))
	return kept > 0, faulty(err, "keep what the watchdog found")
}

// Yield gives the watch up.
func (w *Watch) Yield(ctx context.Context, holder string) error {
	q, err := w.queries(ctx)
	if err != nil {
		return err
	}
	return faulty(q.YieldWatch(ctx, text(holder)), "give the watch up")
}

// Overdue lists escalations past their next action, then those never recorded.
func (w *Watch) Overdue(ctx context.Context, grace time.Duration, limit int) ([]id.Escalation, error) {
	q, err := w.queries(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.OverdueEscalations(ctx, grace, int32(limit))
	if err != nil {
		return nil, faulty(err, "list overdue escalations")
	}
	late := make([]id.Escalation, len(rows))
	for n, r := range rows {
		late[n] = id.OfNumber(r.Number)
	}
	return late, nil
}

// Waiting counts accepted work that nobody has done, up to a thousand of each kind.
func (w *Watch) Waiting(ctx context.Context, grace, turns time.Duration) ([]service.Waiting, error) {
	q, err := w.queries(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.WaitingWork(ctx, grace, 1000, turns)
	if err != nil {
		return nil, faulty(err, "count what waits")
	}
	waiting := make([]service.Waiting, len(rows))
	for n, r := range rows {
		waiting[n] = service.Waiting{What: r.What, Found: int(r.Found), Since: r.Since}
	}
	return waiting, nil
}

// Live lists escalations that should have a workflow.
func (w *Watch) Live(ctx context.Context, age time.Duration, limit int) ([]id.Escalation, error) {
	q, err := w.queries(ctx)
	if err != nil {
		return nil, err
	}
	numbers, err := q.RunningByRecord(ctx, age, int32(limit))
	return escalationsOf(numbers), faulty(err, "list open escalations")
}

// StillLive leaves out those that are over by now.
func (w *Watch) StillLive(ctx context.Context, some []id.Escalation) ([]id.Escalation, error) {
	q, err := w.queries(ctx)
	if err != nil {
		return nil, err
	}
	numbers := make([]int64, len(some))
	for n, e := range some {
		if numbers[n], err = numberOf(e); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "look for open escalations")
		}
	}
	live, err := q.StillLive(ctx, numbers)
	if err != nil {
		return nil, faulty(err, "look for open escalations")
	}
	return escalationsOf(live), nil
}

func escalationsOf(numbers []int64) []id.Escalation {
	some := make([]id.Escalation, len(numbers))
	for n, number := range numbers {
		some[n] = id.OfNumber(number)
	}
	return some
}
