package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

const (
	// keepAnswers is how long an answer is repeated.
	keepAnswers = 24 * time.Hour
	// patience is after how long a request that neither finished nor was held is taken to be dead, with the process that had it.
	patience = 10 * time.Second
)

// Idempotency remembers answers.
type Idempotency struct{ Pool *pgxpool.Pool }

// Begin claims a key; it also forgets a few answers that are too old.
func (i Idempotency) Begin(ctx context.Context, scope, key string, request []byte) (*service.Answered, error) {
	scope, key = text(scope), text(key)
	sum := sha256.Sum256(request)
	for range tries {
		claimed, err := i.claim(ctx, scope, key, sum[:])
		if err != nil {
			return nil, faulty(err, "claim the idempotency key %q", key)
		}
		if claimed {
			return nil, nil
		}
		before, err := sqlc.New(i.Pool).ClaimedKey(ctx, scope, key)
		if errors.Is(err, pgx.ErrNoRows) {
			continue // abandoned just now
		}
		if err != nil {
			return nil, faulty(err, "read the idempotency key %q", key)
		}
		if !bytes.Equal(before.Request, sum[:]) {
			return nil, fault.New(fault.Conflict, "the idempotency key %q was used for another request", key)
		}
		if before.FinishedAt == nil {
			return nil, fault.New(fault.Conflict, "the request with the idempotency key %q is still running", key)
		}
		return &service.Answered{Status: int(before.Status), Body: before.Body}, nil
	}
	return nil, fault.New(fault.Conflict, "the idempotency key %q is fought over", key)
}

func (i Idempotency) claim(ctx context.Context, scope, key string, sum []byte) (claimed bool, err error) {
	err = transact(ctx, i.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		if err := q.ForgetAnswers(ctx, keepAnswers); err != nil {
			return err
		}
		rows, err := q.ClaimKey(ctx, sqlc.ClaimKeyParams{
			Scope: scope, Key: key, Request: sum, Keep: keepAnswers, Patience: patience,
		})
		claimed = rows > 0
		return err
	})
	return claimed, err
}

// Hold says that the request with a key goes on.
func (i Idempotency) Hold(ctx context.Context, scope, key string) error {
	return faulty(sqlc.New(i.Pool).HoldClaim(ctx, text(scope), text(key)), "hold the idempotency key %q", key)
}

// Finish keeps the answer.
func (i Idempotency) Finish(ctx context.Context, scope, key string, a service.Answered) error {
	rows, err := sqlc.New(i.Pool).FinishKey(ctx, sqlc.FinishKeyParams{
		Status: int32(a.Status), Body: a.Body, Scope: text(scope), Key: text(key),
	})
	if err != nil {
		return faulty(err, "keep the answer for the idempotency key %q", key)
	}
	if rows == 0 {
		return fault.New(fault.NotFound, "idempotency key %q", key)
	}
	return nil
}

// Abandon frees a key that is not finished.
func (i Idempotency) Abandon(ctx context.Context, scope, key string) error {
	return faulty(sqlc.New(i.Pool).AbandonKey(ctx, text(scope), text(key)), "free the idempotency key %q", key)
}
