package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/belayhq/belay/core/fault"
)

// Relay does what the process that took an event did not come to: after a crash, a storm, or an engine that was away.
// Any number of relays may run side by side.
type Relay struct {
	Inbox   Inbox
	Settler *Settler
	Log     *slog.Logger
	Every   time.Duration // zero: one second
	Age     time.Duration // younger work is left to the process that took it; zero: two seconds
	Batch   int           // zero: 200
}

// Run sweeps until the context ends.
func (r *Relay) Run(ctx context.Context) {
	every := r.Every
	if every == 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		r.Sweep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep does once whatever has waited long enough. What fails waits for the next sweep.
func (r *Relay) Sweep(ctx context.Context) {
	age, batch := r.Age, r.Batch
	if age == 0 {
		age = 2 * time.Second
	}
	if batch == 0 {
		batch = 200
	}
	r.settle(ctx, age, batch)
	errands, err := r.Inbox.Undone(ctx, age, batch)
	if err != nil {
		r.complain(ctx, "errands not read", err)
		return
	}
	if err := r.Settler.runAll(ctx, errands, true); err != nil {
		r.complain(ctx, "errands wait", err)
	}
}

// settle commits the errands of events that nobody settled; an engine that is away must not hold that up.
func (r *Relay) settle(ctx context.Context, age time.Duration, batch int) {
	events, err := r.Inbox.Unsettled(ctx, age, batch)
	if err != nil {
		r.complain(ctx, "events not read", err)
		return
	}
	for _, seq := range events {
		if ctx.Err() != nil {
			return
		}
		if err := r.Settler.Settle(ctx, seq); err != nil {
			r.complain(ctx, "event not settled", err, "event", seq)
		}
	}
}

func (r *Relay) complain(ctx context.Context, what string, err error, more ...any) {
	if ctx.Err() != nil {
		return // shutting down
	}
	level := slog.LevelError
	if fault.Is(err, fault.Unavailable) {
		level = slog.LevelWarn
	}
	r.Log.Log(ctx, level, what, append(more, "error", err)...)
}
