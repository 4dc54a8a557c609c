package service

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/belayhq/belay/core/fault"
)

// Relay does what the process that took an event did not come to: after a crash, in a storm, or when the engine was
// away. What was accepted it settles in order; what the engine must be told it tells by urgency, then by age, and no
// faster than the engine can take it. Any number of relays may run side by side.
type Relay struct {
	Inbox   Inbox
	Settler *Settler
	Gate    *Gate
	Lights  *Lights // nil: nobody is told whether the inbox answers
	Dark    *Dark   // nil: nothing is ever taken without the inbox
	Log     *slog.Logger
	Every   time.Duration // zero: one second
	Age     time.Duration // younger work is left to the process that took it; zero: two seconds
	Batch   int           // zero: 200
}

const (
	// readWithin bounds the reading of what is undone. A relay that reads every second is also the first to see the
	// records go and come back.
	readWithin = 5 * time.Second
	// lately is how long a start counts as work that the engine still has, when nothing is heard of it.
	lately = 10 * time.Second
	// hold is how long others leave alone what a relay has taken. One that dies has delayed it by this.
	hold = 3 * time.Second
	// startsAtOnce bounds what is taken at once: a P1 that comes meanwhile waits until it is done.
	startsAtOnce = 16
	// glance is how often a relay looks whether the engine has got further.
	glance = 100 * time.Millisecond
)

func (r *Relay) age() time.Duration {
	if r.Age == 0 {
		return 2 * time.Second
	}
	return r.Age
}

func (r *Relay) batch() int {
	if r.Batch == 0 {
		return 200
	}
	return r.Batch
}

// pace is what a relay does next.
type pace int

const (
	idle    pace = iota // until it is called, or the next tick
	onward              // at once
	waiting             // until the engine may have got further
	foiled              // until the next tick: whatever is wrong is not cured by haste
)

// Run settles, starts and says until the context ends, without a pause while there is more to do. None waits for another:
// a run that is too busy to hear a word must not keep others from being started.
func (r *Relay) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { r.keep(ctx, nil, r.settle) })
	all.Go(func() { r.keep(ctx, r.Gate.Bell(), r.start) })
	all.Go(func() { r.keep(ctx, nil, r.say) })
	all.Wait()
}

func (r *Relay) keep(ctx context.Context, bell <-chan struct{}, work func(context.Context) pace) {
	every := r.Every
	if every == 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		called, soon := bell, (<-chan time.Time)(nil)
		switch r.once(ctx, work) {
		case onward:
			continue
		case waiting:
			soon = time.After(glance)
		case foiled:
			called = nil
		case idle:
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-soon:
		case <-called:
		}
	}
}

// once works, and outlives what one bad event may do to it: no process is without a relay because of it.
func (r *Relay) once(ctx context.Context, work func(context.Context) pace) (next pace) {
	next = foiled // unless it comes to an end
	defer caught(ctx, r.Log, "the relay panicked")
	return work(ctx)
}

// Sweep does once whatever has waited long enough, and answers whether there is more that could be done at once. What
// fails waits for the next sweep.
func (r *Relay) Sweep(ctx context.Context) (more bool) {
	settled, started, said := r.settle(ctx), r.start(ctx), r.say(ctx)
	return settled == onward || started == onward || said == onward
}

// settle decides what is to be told of events that nobody settled. An engine that is away does not hold it up.
func (r *Relay) settle(ctx context.Context) pace {
	r.Dark.Look(ctx) // what the engine took over must not be opened here
	var events []int64
	err := r.Lights.Ask(ctx, readWithin, func(ctx context.Context) (err error) {
		events, err = r.Inbox.Unsettled(ctx, r.age(), r.batch())
		return err
	})
	if err != nil {
		r.complain(ctx, "events not read", err)
		return foiled
	}
	well := true
	for seqs := range slices.Chunk(events, mostSettled) {
		made := r.Settler.commitAll(ctx, seqs, func(seq int64, err error) {
			r.complain(ctx, "event not settled", err, "event", seq)
			well = false
		})
		if len(made) > 0 {
			r.Gate.Hold() // they are late already: nobody else comes to them
		}
	}
	switch {
	case !well:
		return foiled
	case len(events) == r.batch():
		return onward
	}
	return idle
}

// start takes a turn of those that have not begun, and begins them.
func (r *Relay) start(ctx context.Context) pace {
	r.Dark.Look(ctx)
	var crowd Crowd
	err := r.Lights.Ask(ctx, readWithin, func(ctx context.Context) (err error) {
		crowd, err = r.Inbox.Crowd(ctx, r.age(), lately)
		return err
	})
	if err != nil {
		r.complain(ctx, "errands not counted", err)
		return foiled
	}
	urgent, others := r.Gate.Seen(crowd)
	turn := Turn{Age: r.age(), Hold: hold, Urgent: min(urgent, startsAtOnce), Others: min(others, startsAtOnce)}
	behind, turned := r.Gate.Behind()
	if behind {
		turn.Age = 0
	}
	errands, pace := r.run(ctx, turn)
	switch {
	case pace == foiled:
		return foiled
	case len(errands) > 0 && behind:
		return onward
	case behind && urgent > 0 && others > 0 && !crowd.Waiting:
		r.Gate.CaughtUp(turned)
		return idle
	case behind:
		return waiting
	}
	return idle
}

// say takes a turn of what those that run have not heard yet. While others wait to be started it is said at a walk: each
// word costs the engine about what a start does.
func (r *Relay) say(ctx context.Context) pace {
	turn := Turn{Age: r.age(), Hold: hold, Words: r.batch()}
	behind, _ := r.Gate.Behind()
	if behind {
		turn.Age, turn.Words = 0, startsAtOnce
	}
	errands, pace := r.run(ctx, turn)
	switch {
	case pace == foiled:
		return foiled
	case behind && slices.ContainsFunc(errands, func(e Errand) bool { return e.Say != nil }):
		return waiting
	case !behind && len(chains(errands)) >= turn.Words:
		return onward
	}
	return idle
}

// run does what a turn brings.
func (r *Relay) run(ctx context.Context, turn Turn) (errands []Errand, next pace) {
	err := r.Lights.Ask(ctx, readWithin, func(ctx context.Context) (err error) {
		errands, err = r.Inbox.Take(ctx, turn)
		return err
	})
	if err != nil {
		r.complain(ctx, "errands not read", err)
	}
	stuck := r.Settler.runAll(ctx, errands, true)
	if stuck != nil {
		r.complain(ctx, "errands wait", stuck)
	}
	if err != nil || errors.Is(stuck, errAway) {
		return errands, foiled
	}
	return errands, onward
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
