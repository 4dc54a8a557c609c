package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Revisions keeps every blueprint ever applied. A blueprint that is applied again, after others, is kept once and
// listed as often as it was applied.
type Revisions struct{ Pool *pgxpool.Pool }

// Current is the revision in force.
func (r Revisions) Current(ctx context.Context) (service.Revision, error) {
	row, err := sqlc.New(r.Pool).GetCurrentRevision(ctx)
	if err != nil {
		return service.Revision{}, found(err, "current revision")
	}
	return revisionOf(sqlc.GetRevisionRow(row))
}

// Get returns a revision as it was last applied.
func (r Revisions) Get(ctx context.Context, hash id.Revision) (service.Revision, error) {
	row, err := sqlc.New(r.Pool).GetRevision(ctx, text(string(hash)))
	if err != nil {
		return service.Revision{}, found(err, "revision %q", string(hash))
	}
	return revisionOf(row)
}

// List returns applications without their files, newest first. Limit is 1 to 500; 0 is 50.
func (r Revisions) List(ctx context.Context, lim int) ([]service.Revision, error) {
	rows, err := sqlc.New(r.Pool).ListApplications(ctx, limit(lim, 50, 500))
	if err != nil {
		return nil, faulty(err, "list revisions")
	}
	revisions := make([]service.Revision, len(rows))
	for n, row := range rows {
		revisions[n], err = applicationOf(row.Hash, row.Parent, row.AppliedAt, row.AppliedBy, row.Changes)
		if err != nil {
			return nil, err
		}
	}
	return revisions, nil
}

// Apply makes a revision current. One that is current already is left as it is, so that a call whose answer was lost
// can be repeated.
func (r Revisions) Apply(ctx context.Context, base id.Revision, rev service.Revision, deed service.Deed) error {
	if rev.Hash == "" {
		return fault.Field("hash", "a revision is named by the hash of its documents")
	}
	files, err := document(rev.Files)
	if err != nil {
		return err
	}
	changes, err := document(rev.Changes)
	if err != nil {
		return err
	}
	err = transact(ctx, r.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		current, err := q.TakeTurn(ctx)
		if err != nil {
			return err
		}
		if current == string(rev.Hash) {
			return nil
		}
		if base != "" && string(base) != current {
			return fault.New(fault.Conflict, "the current revision is %s, not %s: somebody applied another since",
				short(current), short(string(base)))
		}
		if err := q.KeepRevision(ctx, string(rev.Hash), files); err != nil {
			return err
		}
		err = q.AddApplication(ctx, sqlc.AddApplicationParams{
			Hash: string(rev.Hash), Parent: current, AppliedAt: rev.AppliedAt, AppliedBy: text(rev.AppliedBy), Changes: changes,
		})
		if err != nil {
			return err
		}
		if err := q.PointTo(ctx, string(rev.Hash)); err != nil {
			return err
		}
		return record(ctx, q, deed, RevisionChanged)
	})
	return faulty(err, "apply revision %s", short(string(rev.Hash)))
}

func revisionOf(row sqlc.GetRevisionRow) (service.Revision, error) {
	rev, err := applicationOf(row.Hash, row.Parent, row.AppliedAt, row.AppliedBy, row.Changes)
	if err != nil {
		return rev, err
	}
	if err := json.Unmarshal(row.Files, &rev.Files); err != nil {
		return rev, fmt.Errorf("read the files of revision %s: %w", short(row.Hash), err)
	}
	return rev, nil
}

func applicationOf(hash, parent string, at time.Time, by string, changes []byte) (service.Revision, error) {
	rev := service.Revision{Hash: id.Revision(hash), Parent: id.Revision(parent), AppliedAt: at, AppliedBy: by}
	if err := json.Unmarshal(changes, &rev.Changes); err != nil {
		return rev, fmt.Errorf("read the changes of revision %s: %w", short(hash), err)
	}
	return rev, nil
}

// short is a hash as people read it.
func short(hash string) string {
	if hash == "" {
		return "none"
	}
	return hash[:min(len(hash), 12)]
}
