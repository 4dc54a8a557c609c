package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/belayhq/belay/core/fault"
)

// Relay does what the process that took an event did not come to: after a crash, a storm, or an engine that was away.
// Any number of relays may run side by side.
type Relay struct {
	Inbox   Inbox
	Settler *Settler
	Lights  *Lights // nil: nobody is told whether the inbox answers
	Dark    *Dark   // nil: nothing is ever taken without the inbox
	Log     *slog.Logger
	Every   time.Duration // zero: one second
	Age     time.Duration // younger work is left to the process that took it; zero: two seconds
	Batch   int           // zero: 200
}

// readWithin bounds the reading of what is undone. A relay that reads every second is also the first to see the records
// go and come back.
const readWithin = 5 * time.Second

// Run sweeps until the context ends, without a pause while there is more than one batch of work.
func (r *Relay) Run(ctx context.Context) {
	every := r.Every
	if every == 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if r.Sweep(ctx) && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep does once whatever has waited long enough, and answers whether there is more that could be done at once. What
// fails waits for the next sweep.
func (r *Relay) Sweep(ctx context.Context) (more bool) {
	age, batch := r.Age, r.Batch
	if age == 0 {
		age = 2 * time.Second
	}
	if batch == 0 {
		batch = 200
	}
	r.Dark.Look(ctx) // what the engine took over must not be opened here
	unsettled, settled := r.settle(ctx, age, batch)
	undone, done := r.catchUp(ctx, age, batch)
	return settled && done && (unsettled == batch || undone == batch)
}

// settle commits what is to be told of events that nobody settled, then tells it. An engine that is away holds up the
// telling, not the committing.
func (r *Relay) settle(ctx context.Context, age time.Duration, batch int) (found int, well bool) {
	var events []int64
	err := r.Lights.Ask(ctx, readWithin, func(ctx context.Context) (err error) {
		events, err = r.Inbox.Unsettled(ctx, age, batch)
		return err
	})
	if err != nil {
		r.complain(ctx, "events not read", err)
		return 0, false
	}
	var errands []Errand
	told := map[int64]bool{}
	well = true
	for _, seq := range events {
		if ctx.Err() != nil {
			return len(events), false
		}
		made, err := r.Settler.commit(ctx, seq)
		if err != nil {
			r.complain(ctx, "event not settled", err, "event", seq)
			well = false
		}
		for _, e := range made {
			if !told[e.ID] { // later events of a conversation answer the same errands again
				told[e.ID] = true
				errands = append(errands, e)
			}
		}
	}
	if err := r.Settler.runAll(ctx, errands, false); err != nil {
		r.complain(ctx, "errands wait", err)
		well = false
	}
	return len(events), well
}

func (r *Relay) catchUp(ctx context.Context, age time.Duration, batch int) (found int, well bool) {
	var errands []Errand
	err := r.Lights.Ask(ctx, readWithin, func(ctx context.Context) (err error) {
		errands, err = r.Inbox.Undone(ctx, age, batch)
		return err
	})
	if err != nil {
		r.complain(ctx, "errands not read", err)
	}
	if len(errands) == 0 {
		return 0, err == nil
	}
	if err := r.Settler.runAll(ctx, errands, true); err != nil {
		r.complain(ctx, "errands wait", err)
		return len(errands), false
	}
	return len(errands), true
}

func (r *Relay) complain(ctx context.Context, what string, err error, more ...any) {
	if ctx.Err() != nil || errors.Is(err, errSpared) {
		return // shutting down, or said already
	}
	level := slog.LevelError
	if fault.Is(err, fault.Unavailable) {
		level = slog.LevelWarn
	}
	r.Log.Log(ctx, level, what, append(more, "error", err)...)
}
