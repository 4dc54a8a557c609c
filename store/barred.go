package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Barred keeps the methods that must not be used.
type Barred struct{ Pool *pgxpool.Pool }

// All returns every barred method with the reason.
func (b Barred) All(ctx context.Context) (map[policy.Way]string, error) {
	rows, err := sqlc.New(b.Pool).ListBarred(ctx)
	if err != nil {
		return nil, faulty(err, "list barred methods")
	}
	all := make(map[policy.Way]string, len(rows))
	for _, r := range rows {
		all[policy.Way{Person: id.Person(r.Person), Method: id.Method(r.Method)}] = r.Reason
	}
	return all, nil
}

// Bar keeps a method from being used. Doing so again for the same reason changes nothing and is no deed.
func (b Barred) Bar(ctx context.Context, w policy.Way, reason string, deed service.Deed) error {
	err := transact(ctx, b.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		changed, err := q.Bar(ctx, sqlc.BarParams{
			Person: text(string(w.Person)), Method: text(string(w.Method)), Reason: text(reason), Since: deed.At,
		})
		if err != nil || changed == 0 {
			return err
		}
		return record(ctx, q, deed, BarredChanged)
	})
	return faulty(err, "bar %s of %s", w.Method, w.Person)
}

// Unbar lets a method be used again; NotFound if it is not barred.
func (b Barred) Unbar(ctx context.Context, w policy.Way, deed service.Deed) error {
	err := transact(ctx, b.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		changed, err := q.Unbar(ctx, text(string(w.Person)), text(string(w.Method)))
		if err != nil {
			return err
		}
		if changed == 0 {
			return fault.New(fault.NotFound, "%s of %s is not barred", w.Method, w.Person)
		}
		return record(ctx, q, deed, BarredChanged)
	})
	return faulty(err, "unbar %s of %s", w.Method, w.Person)
}
