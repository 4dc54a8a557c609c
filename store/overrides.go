package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Overrides keeps those made by hand. The database refuses overlaps.
type Overrides struct{ Pool *pgxpool.Pool }

// List returns the overrides that touch [from, until), by beginning. No schedule: of all; no instant: without bound.
func (o Overrides) List(ctx context.Context, s id.Schedule, from, until time.Time) ([]org.Override, error) {
	rows, err := sqlc.New(o.Pool).ListOverrides(ctx, text(string(s)), moment(from), moment(until))
	if err != nil {
		return nil, faulty(err, "list overrides of schedule %q", string(s))
	}
	overrides := make([]org.Override, len(rows))
	for n, r := range rows {
		overrides[n] = overrideOf(r)
	}
	return overrides, nil
}

// Create gives an override its ID ("O-7") and keeps it.
func (o Overrides) Create(ctx context.Context, made org.Override, deed service.Deed) (org.Override, error) {
	if !made.From.Before(made.Until) {
		return org.Override{}, fault.Field("until", "must be after from")
	}
	err := transact(ctx, o.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		if err := q.LockSchedule(ctx, text(string(made.Schedule))); err != nil {
			return err
		}
		number, err := q.CreateOverride(ctx, sqlc.CreateOverrideParams{
			Schedule: text(string(made.Schedule)), Person: text(string(made.Person)), FromAt: made.From,
			UntilAt: made.Until, Reason: text(made.Reason),
		})
		if err != nil {
			return err
		}
		made.ID = overrideID(number)
		return record(ctx, q, deed, OverridesChanged)
	})
	if code(err) == exclusionViolation {
		return org.Override{}, o.overlap(ctx, made, err)
	}
	if err != nil {
		return org.Override{}, faulty(err, "create an override of schedule %q", string(made.Schedule))
	}
	return made, nil
}

// overlap says which override was in the way; it may be gone by now.
func (o Overrides) overlap(ctx context.Context, made org.Override, refusal error) error {
	row, err := sqlc.New(o.Pool).OverlappingOverride(ctx, text(string(made.Schedule)), made.Until, made.From)
	if err != nil {
		return faulty(refusal, "another override of schedule %q overlaps", string(made.Schedule))
	}
	other := overrideOf(sqlc.ListOverridesRow(row))
	return fault.New(fault.Conflict, "override %s already puts %s on schedule %s from %s until %s", other.ID, other.Person,
		other.Schedule, other.From.Format(time.RFC3339), other.Until.Format(time.RFC3339))
}

// Delete ends an override for good; the row stays.
func (o Overrides) Delete(ctx context.Context, made id.Override, deed service.Deed) error {
	number, err := strconv.ParseInt(strings.TrimPrefix(string(made), "O-"), 10, 64)
	if err != nil || overrideID(number) != made {
		return fault.New(fault.NotFound, "override %q", string(made))
	}
	err = transact(ctx, o.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		deleted, err := q.DeleteOverride(ctx, number)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return fault.New(fault.NotFound, "override %q", string(made))
		}
		return record(ctx, q, deed, OverridesChanged)
	})
	return faulty(err, "delete override %q", string(made))
}

func overrideID(number int64) id.Override { return id.Override(fmt.Sprintf("O-%d", number)) }

func overrideOf(r sqlc.ListOverridesRow) org.Override {
	return org.Override{
		ID: overrideID(r.Number), Schedule: id.Schedule(r.Schedule), Person: id.Person(r.Person), From: r.FromAt,
		Until: r.UntilAt, Reason: r.Reason,
	}
}
