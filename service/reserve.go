package service

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Stock keeps numbers beside the process.
type Stock interface {
	// Take strikes a number off for good; none: there is none left.
	Take() (number int64, none bool, err error)
	Add(numbers []int64) error
	Left() (int, error)
}

// Mint draws numbers that nobody else will have.
type Mint interface {
	Reserve(ctx context.Context, count int) ([]int64, error)
}

// Reserve numbers escalations that are opened while our records are away, from a stock drawn before.
type Reserve struct {
	Stock Stock // nil: every number is made up
	Mint  Mint
	Log   *slog.Logger
}

const (
	reserveFull = 200
	reserveLow  = reserveFull / 2
	refillEvery = 15 * time.Second

	refillWithin = 5 * time.Second // a database that says nothing is asked again

	// What is made up when the stock is used up lies far above whatever the database has counted to. Nobody likes to type
	// nine digits at night; to be told of nothing is worse. The engine refuses one that is taken, and another is made up.
	madeUpFrom = 100_000_000
	madeUpTo   = 1_000_000_000
)

// Next is a number for one escalation.
func (r *Reserve) Next(ctx context.Context) (id.Escalation, error) {
	if r.Stock != nil {
		number, none, err := r.Stock.Take()
		if err == nil && !none {
			return id.OfNumber(number), nil
		}
		r.Log.WarnContext(ctx, "no number in reserve: one is made up", "error", err)
	}
	return id.OfNumber(madeUpFrom + rand.Int64N(madeUpTo-madeUpFrom)), nil
}

// Refill fills the stock when it runs low.
func (r *Reserve) Refill(ctx context.Context) error {
	left, err := r.Stock.Left()
	if err != nil || left >= reserveLow {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, refillWithin)
	defer cancel()
	numbers, err := r.Mint.Reserve(bounded, reserveFull-left)
	if err != nil {
		return err
	}
	return r.Stock.Add(numbers)
}

// Run keeps the stock filled until the context ends.
func (r *Reserve) Run(ctx context.Context) {
	if r.Stock == nil {
		return
	}
	tick := time.NewTicker(refillEvery)
	defer tick.Stop()
	for {
		if err := r.Refill(ctx); err != nil && !fault.Is(err, fault.Unavailable) && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "the reserve of numbers was not refilled", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
