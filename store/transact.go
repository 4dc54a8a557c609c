package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// transact runs do in one transaction: all of it happens, or nothing.
func transact(ctx context.Context, pool *pgxpool.Pool, do func(tx pgx.Tx, q *sqlc.Queries) error) error {
	return again(ctx, func() error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return do(tx, sqlc.New(tx)) })
	})
}

// record writes a deed into the audit trail and announces the change, both in the transaction of the change.
func record(ctx context.Context, q *sqlc.Queries, deed service.Deed, news string) error {
	if err := q.WriteAudit(ctx, auditRow(deed)); err != nil {
		return err
	}
	if news == "" {
		return nil
	}
	return q.Announce(ctx, changesChannel, news)
}

// found tells an absent row from a failure.
func found(err error, format string, args ...any) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, format, args...)
	}
	return faulty(err, format, args...)
}

// document is a value as PostgreSQL takes it: jsonb has no NUL, and a sender's NUL must not lose an alert.
func document(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "write %T as JSON", v)
	}
	return withoutNUL(raw), nil
}

// withoutNUL replaces the escape of NUL, but not an escaped backslash before the letters u0000, by that of U+FFFD.
func withoutNUL(raw []byte) []byte {
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if i+6 <= len(raw) && string(raw[i:i+6]) == `\u0000` {
			copy(raw[i:], `\ufffd`)
		}
		i++ // whatever was escaped is no escape itself
	}
	return raw
}

// text is a string as PostgreSQL takes it: UTF-8 without NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// strs are named strings as PostgreSQL takes them; never nil, which would be NULL.
func strs[S ~string](named []S) []string {
	plain := make([]string, len(named))
	for i, s := range named {
		plain[i] = text(string(s))
	}
	return plain
}

// moment is nil for no instant at all.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// limit keeps a caller's wish between 1 and most; none means usual.
func limit(wish, usual, most int) int32 {
	if wish <= 0 {
		return int32(usual)
	}
	return int32(min(wish, most))
}
