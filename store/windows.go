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

// Windows keeps maintenance windows made by hand.
type Windows struct{ Pool *pgxpool.Pool }

// List answers those that end after an instant, by their beginning.
func (w Windows) List(ctx context.Context, after time.Time) ([]org.Window, error) {
	rows, err := sqlc.New(w.Pool).ListWindows(ctx, after)
	if err != nil {
		return nil, faulty(err, "list maintenance windows")
	}
	out := make([]org.Window, len(rows))
	for n, r := range rows {
		out[n] = org.Window{ID: windowID(r.Number), Name: r.Name, From: r.FromAt, Until: r.UntilAt, When: r.Condition, UpTo: r.UpTo, Reason: r.Reason}
		for _, s := range r.Services {
			out[n].Services = append(out[n].Services, id.Service(s))
		}
	}
	return out, nil
}

// Create gives a window its ID ("W-7") and keeps it.
func (w Windows) Create(ctx context.Context, made org.Window, deed service.Deed) (org.Window, error) {
	services := make([]string, len(made.Services))
	for n, s := range made.Services {
		services[n] = text(string(s))
	}
	err := transact(ctx, w.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		number, err := q.CreateWindow(ctx, sqlc.CreateWindowParams{
			Name: text(made.Name), FromAt: made.From, UntilAt: made.Until, Services: services, Condition: text(made.When),
			UpTo: text(made.UpTo), Reason: text(made.Reason),
		})
		if err != nil {
			return err
		}
		made.ID = windowID(number)
		deed.Subject = "window " + string(made.ID)
		return record(ctx, q, deed, WindowsChanged)
	})
	return made, faulty(err, "create a maintenance window")
}

// End ends an open window now. fault.Conflict: it is not open.
func (w Windows) End(ctx context.Context, window id.Window, deed service.Deed) error {
	return w.change(ctx, window, deed, "is not open", func(q *sqlc.Queries, number int64) (int64, error) {
		return q.EndWindow(ctx, deed.At, number)
	})
}

// Cancel takes a window back, open or not yet. fault.Conflict: it is over.
func (w Windows) Cancel(ctx context.Context, window id.Window, deed service.Deed) error {
	return w.change(ctx, window, deed, "is over", func(q *sqlc.Queries, number int64) (int64, error) {
		return q.CancelWindow(ctx, &deed.At, number)
	})
}

func (w Windows) change(ctx context.Context, window id.Window, deed service.Deed, unless string, do func(*sqlc.Queries, int64) (int64, error)) error {
	number, err := strconv.ParseInt(strings.TrimPrefix(string(window), "W-"), 10, 64)
	if err != nil || windowID(number) != window {
		return fault.New(fault.NotFound, "window %q was not made by hand", string(window))
	}
	err = transact(ctx, w.Pool, func(_ pgx.Tx, q *sqlc.Queries) error {
		changed, err := do(q, number)
		if err != nil {
			return err
		}
		if changed > 0 {
			return record(ctx, q, deed, WindowsChanged)
		}
		known, err := q.WindowKnown(ctx, number)
		if err != nil {
			return err
		}
		if !known {
			return fault.New(fault.NotFound, "window %q", string(window))
		}
		return fault.New(fault.Conflict, "window %s %s", window, unless)
	})
	return faulty(err, "change window %q", string(window))
}

func windowID(number int64) id.Window { return id.Window(fmt.Sprintf("W-%d", number)) }
