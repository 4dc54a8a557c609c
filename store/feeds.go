package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Feeds keeps calendar links by the hash of their secret.
type Feeds struct{ Pool *pgxpool.Pool }

// Create keeps a feed.
func (f Feeds) Create(ctx context.Context, made service.Feed, hash []byte, deed service.Deed) error {
	err := transact(ctx, f.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		err := q.CreateFeed(ctx, sqlc.CreateFeedParams{
			ID: made.ID, Hash: hash, Person: text(string(made.Person)), Schedule: text(string(made.Schedule)), CreatedAt: made.CreatedAt,
		})
		if err != nil {
			return err
		}
		return record(ctx, q, deed, "")
	})
	return faulty(err, "create feed %s", made.ID)
}

// Find returns the feed with this hash, unless it was revoked.
func (f Feeds) Find(ctx context.Context, hash []byte) (service.Feed, error) {
	r, err := sqlc.New(f.Pool).FindFeed(ctx, hash)
	if err != nil {
		return service.Feed{}, found(err, "feed")
	}
	return service.Feed{ID: r.ID, Person: id.Person(r.Person), Schedule: id.Schedule(r.Schedule), CreatedAt: r.CreatedAt}, nil
}

// List returns those of a person that were not revoked, oldest first.
func (f Feeds) List(ctx context.Context, p id.Person) ([]service.Feed, error) {
	rows, err := sqlc.New(f.Pool).ListFeeds(ctx, text(string(p)))
	if err != nil {
		return nil, faulty(err, "list feeds of %s", string(p))
	}
	all := make([]service.Feed, len(rows))
	for n, r := range rows {
		all[n] = service.Feed{ID: r.ID, Person: id.Person(r.Person), Schedule: id.Schedule(r.Schedule), CreatedAt: r.CreatedAt}
	}
	return all, nil
}

// Revoke ends a feed of this person; nobody else's is found.
func (f Feeds) Revoke(ctx context.Context, feed string, p id.Person, deed service.Deed) error {
	err := transact(ctx, f.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		ended, err := q.RevokeFeed(ctx, &deed.At, text(feed), text(string(p)))
		if err != nil {
			return err
		}
		if ended == 0 {
			return fault.New(fault.NotFound, "there is no calendar link %q of yours", feed)
		}
		return record(ctx, q, deed, "")
	})
	return faulty(err, "revoke feed %q", feed)
}
