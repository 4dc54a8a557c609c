package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Sessions keeps sign-ins by the hash of their secret.
type Sessions struct{ Pool *pgxpool.Pool }

// sessionsKept is how long a session that is over stays; the audit trail knows of it for ever.
const sessionsKept = 24 * time.Hour

// Create keeps a session, and forgets some that have been over for a day.
func (s Sessions) Create(ctx context.Context, made service.Session, hash []byte, deed service.Deed) error {
	err := transact(ctx, s.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		if err := q.ForgetSessions(ctx, made.BeganAt.Add(-sessionsKept)); err != nil {
			return err
		}
		account, vouched := made.Caller.Account, ""
		if made.Subject != "" { // whom a provider vouches for has no account here
			account, vouched = "", account
		}
		err := q.CreateSession(ctx, sqlc.CreateSessionParams{
			ID: made.ID, Hash: hash, Token: text(made.Caller.Token), Account: text(account), Subject: text(made.Subject), Vouched: text(vouched),
			Name: text(made.Caller.Name), Role: string(made.Caller.Role), Person: text(string(made.Caller.Person)),
			BeganAt: made.BeganAt, EndsAt: made.EndsAt,
		})
		if err != nil {
			return err
		}
		return record(ctx, q, deed, "")
	})
	return faulty(err, "create session %s", made.ID)
}

// Find answers a session that has not ended, was seen since, and whose token or account is still good.
func (s Sessions) Find(ctx context.Context, hash []byte, at, since time.Time) (service.Session, error) {
	r, err := sqlc.New(s.Pool).FindSession(ctx, hash, at, since)
	if err != nil {
		return service.Session{}, found(err, "session")
	}
	held := service.Session{
		ID: r.ID, Subject: r.Subject, BeganAt: r.BeganAt, SeenAt: r.SeenAt, EndsAt: r.EndsAt,
		Caller: service.Caller{Name: r.Name, Role: service.Role(r.Role), Person: id.Person(r.Person), Token: r.Token, Account: r.Account},
	}
	if r.Vouched != "" {
		held.Caller.Account = r.Vouched
	}
	return held, nil
}

// Touch notes that a session was used.
func (s Sessions) Touch(ctx context.Context, session string, at time.Time) error {
	return faulty(sqlc.New(s.Pool).TouchSession(ctx, at, session), "touch session %s", session)
}

// End ends a session for good. One that is over already, or never was, is no deed.
func (s Sessions) End(ctx context.Context, hash []byte, deed service.Deed) error {
	err := transact(ctx, s.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		ended, err := q.EndSession(ctx, &deed.At, hash)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		deed.Subject = "session " + ended
		return record(ctx, q, deed, "")
	})
	return faulty(err, "end a session")
}
