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

// Tokens keeps bearer tokens by the hash of their secret.
type Tokens struct{ Pool *pgxpool.Pool }

// Find returns the token with this hash, unless it was revoked.
func (t Tokens) Find(ctx context.Context, hash []byte) (service.Token, error) {
	row, err := sqlc.New(t.Pool).FindToken(ctx, hash)
	if err != nil {
		return service.Token{}, found(err, "token")
	}
	return service.Token{
		ID: row.ID, Name: row.Name, Role: service.Role(row.Role), Person: id.Person(row.Person), CreatedAt: row.CreatedAt,
	}, nil
}

// Create keeps a token. The ID and the hash must be new: Conflict.
func (t Tokens) Create(ctx context.Context, token service.Token, hash []byte, deed service.Deed) error {
	err := transact(ctx, t.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		err := q.CreateToken(ctx, sqlc.CreateTokenParams{
			ID: text(token.ID), Name: text(token.Name), Role: string(token.Role), Person: text(string(token.Person)),
			Hash: hash, CreatedAt: token.CreatedAt,
		})
		if err != nil {
			return err
		}
		return record(ctx, q, deed, "")
	})
	return faulty(err, "create token %q", token.ID)
}

// List returns all tokens, oldest first, revoked ones included.
func (t Tokens) List(ctx context.Context) ([]service.Token, error) {
	rows, err := sqlc.New(t.Pool).ListTokens(ctx)
	if err != nil {
		return nil, faulty(err, "list tokens")
	}
	tokens := make([]service.Token, len(rows))
	for n, r := range rows {
		tokens[n] = service.Token{
			ID: r.ID, Name: r.Name, Role: service.Role(r.Role), Person: id.Person(r.Person), CreatedAt: r.CreatedAt,
			RevokedAt: instant(r.RevokedAt),
		}
	}
	return tokens, nil
}

// Revoke ends a token at the instant of the deed. One that is revoked already keeps its instant.
func (t Tokens) Revoke(ctx context.Context, tokenID string, deed service.Deed) error {
	err := transact(ctx, t.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		revoked, err := q.RevokeToken(ctx, &deed.At, text(tokenID))
		if err != nil {
			return err
		}
		if revoked > 0 {
			return record(ctx, q, deed, "")
		}
		known, err := q.TokenExists(ctx, text(tokenID))
		if err != nil {
			return err
		}
		if !known {
			return fault.New(fault.NotFound, "token %q", tokenID)
		}
		return nil
	})
	return faulty(err, "revoke token %q", tokenID)
}
