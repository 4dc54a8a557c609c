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

// Accounts keeps names with the hashes of their passwords.
type Accounts struct{ Pool *pgxpool.Pool }

// Find returns an account with its hash, also one that is disabled.
func (a Accounts) Find(ctx context.Context, name string) (service.Account, error) {
	r, err := sqlc.New(a.Pool).FindAccount(ctx, text(name))
	if err != nil {
		return service.Account{}, found(err, "account %q", name)
	}
	return service.Account{
		Name: r.Name, Hash: r.Hash, Role: service.Role(r.Role), Person: id.Person(r.Person), CreatedAt: r.CreatedAt,
		DisabledAt: instant(r.DisabledAt),
	}, nil
}

// Create keeps an account; a name that is taken is a Conflict.
func (a Accounts) Create(ctx context.Context, made service.Account, deed service.Deed) error {
	err := transact(ctx, a.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		created, err := q.CreateAccount(ctx, sqlc.CreateAccountParams{
			Name: text(made.Name), Hash: made.Hash, Role: string(made.Role), Person: text(string(made.Person)), At: made.CreatedAt,
		})
		if err != nil {
			return err
		}
		if created == 0 {
			return fault.New(fault.Conflict, "there is an account %q already", made.Name)
		}
		return record(ctx, q, deed, "")
	})
	return faulty(err, "create account %q", made.Name)
}

// SetHash gives an account another password, and ends its sessions.
func (a Accounts) SetHash(ctx context.Context, name, hash string, deed service.Deed) error {
	return a.change(ctx, name, deed, func(q *sqlc.Queries) (int64, error) { return q.ChangePassword(ctx, hash, deed.At, text(name)) })
}

// Disable keeps an account out, and ends its sessions.
func (a Accounts) Disable(ctx context.Context, name string, deed service.Deed) error {
	return a.change(ctx, name, deed, func(q *sqlc.Queries) (int64, error) { return q.DisableAccount(ctx, &deed.At, text(name)) })
}

// Enable lets a disabled account in again; sessions from before stay over.
func (a Accounts) Enable(ctx context.Context, name string, deed service.Deed) error {
	return a.change(ctx, name, deed, func(q *sqlc.Queries) (int64, error) { return q.EnableAccount(ctx, deed.At, text(name)) })
}

func (a Accounts) change(ctx context.Context, name string, deed service.Deed, do func(*sqlc.Queries) (int64, error)) error {
	err := transact(ctx, a.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		changed, err := do(q)
		if err != nil {
			return err
		}
		if changed > 0 {
			return record(ctx, q, deed, "")
		}
		known, err := q.AccountExists(ctx, text(name))
		if err != nil {
			return err
		}
		if !known {
			return fault.New(fault.NotFound, "there is no account %q", name)
		}
		return nil
	})
	return faulty(err, "change account %q", name)
}

// List returns all accounts without hashes, by name.
func (a Accounts) List(ctx context.Context) ([]service.Account, error) {
	rows, err := sqlc.New(a.Pool).ListAccounts(ctx)
	if err != nil {
		return nil, faulty(err, "list accounts")
	}
	all := make([]service.Account, len(rows))
	for n, r := range rows {
		all[n] = service.Account{
			Name: r.Name, Role: service.Role(r.Role), Person: id.Person(r.Person), CreatedAt: r.CreatedAt, DisabledAt: instant(r.DisabledAt),
		}
	}
	return all, nil
}
