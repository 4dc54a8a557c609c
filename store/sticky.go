package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/store/sqlc"
)

// Sticky is the roll of the queues by which workers are handed what they have in memory. All times are the database's.
type Sticky struct{ Pool *pgxpool.Pool }

// Keep says that a queue is polled.
func (s Sticky) Keep(ctx context.Context, queue contract.Sticky) error {
	err := sqlc.New(s.Pool).KeepSticky(ctx, text(queue.Queue), text(queue.Deployment), text(queue.Build))
	return faulty(err, "say that %s is polled", queue.Queue)
}

// Silent lists the queues of which nobody has said so for as long as silent, and forgets those of which nobody has for
// as long as forget.
func (s Sticky) Silent(ctx context.Context, silent, forget time.Duration) ([]contract.Sticky, error) {
	q := sqlc.New(s.Pool)
	rows, err := q.SilentSticky(ctx, silent, forget)
	if err != nil {
		return nil, faulty(err, "list queues that nobody polls")
	}
	if err := q.ForgetSticky(ctx, forget); err != nil {
		return nil, faulty(err, "forget queues that nobody polls")
	}
	queues := make([]contract.Sticky, len(rows))
	for n, r := range rows {
		queues[n] = contract.Sticky{Queue: r.Queue, Deployment: r.Deployment, Build: r.Build}
	}
	return queues, nil
}

// Leave takes a queue off the roll.
func (s Sticky) Leave(ctx context.Context, queue string) error {
	return faulty(sqlc.New(s.Pool).LeaveSticky(ctx, text(queue)), "take %s off the roll", queue)
}
