package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/belayhq/belay/core/fault"
)

// SQLSTATE codes and classes, from PostgreSQL's documentation, appendix A.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
	exclusionViolation   = "23P01"
	undefinedTable       = "42P01"
	readOnly             = "25006" // a standby, during a switch-over
	queryCanceled        = "57014" // statement_timeout
)

// tries of a transaction that others made impossible.
const tries = 5

// faulty gives an error of the driver a kind, once. A fault, and nil, stay what they are.
func faulty(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return fault.Wrap(kindOf(err), err, format, args...)
}

func kindOf(err error) fault.Kind {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return kindOfCode(pg.Code)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.NotFound
	}
	var connecting *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connecting), errors.As(err, &network), pgconn.Timeout(err), pgconn.SafeToRetry(err),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, puddle.ErrClosedPool), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.Is(err, pgx.ErrTxClosed):
		return fault.Unavailable
	}
	return fault.Internal
}

func kindOfCode(code string) fault.Kind {
	switch code {
	case uniqueViolation, exclusionViolation:
		return fault.Conflict
	case serializationFailure, deadlockDetected, readOnly, queryCanceled:
		return fault.Unavailable
	}
	if len(code) < 2 {
		return fault.Internal
	}
	switch code[:2] {
	case "08", "53", "57", "58": // connection, resources, operator, system
		return fault.Unavailable
	case "28", "3D": // who we are, or the database's name: an operator must change it, and trying again then is right
		return fault.Unavailable
	case "22", "23": // values that cannot be
		return fault.Invalid
	case "54": // limits, such as that of an index row
		return fault.TooLarge
	}
	return fault.Internal
}

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func undefined(err error) bool { return code(err) == undefinedTable }

// again runs do until no other transaction makes it impossible, a few times.
func again(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if c := code(err); try == tries || c != serializationFailure && c != deadlockDetected {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", ctx.Err(), err)
		case <-time.After(time.Duration(1+rand.IntN(20*try)) * time.Millisecond):
		}
	}
}
