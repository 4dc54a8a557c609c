package service

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// Outlet carries messages (activities.Carrier).
type Outlet interface {
	Send(ctx context.Context, m page.Message) (page.Receipt, error)
	Find(ctx context.Context, m page.Message, since time.Time) (page.Receipt, bool, error)
}

// Provider is one way out of a channel.
type Provider struct {
	Name   string
	Outlet Outlet
	// Elsewhere reports whether what was refused with this receipt may be carried by another; nil: never.
	Elsewhere func(page.Receipt) bool
	// Probe asks whether the provider works, without telling anybody; nil: it cannot be asked.
	Probe func(ctx context.Context) error
}

// Failover is a channel with two providers. The first carries everything while it works; the message that finds out
// that it does not goes by the second, and so do all that follow, until the first has worked for a while. What may be
// with one provider is never handed to the other before the one has denied it. What it knows of the first's health is
// what this process has met: every process finds out for itself, at the price of one message that takes a few seconds.
type Failover struct {
	Channel org.Channel
	First   Provider
	Second  Provider
	// Switched hears who carries the channel from now on.
	Switched func(channel org.Channel, from, to string)
	// Settled tells whether somebody has taken or ended what a page is about since then: it takes seconds to find out that
	// the first provider fails, and nobody is paged after an answer. Nil: nobody can tell.
	Settled func(ctx context.Context, m page.Message, since time.Time) bool
	Now     func() time.Time
	Log     *slog.Logger

	Patience time.Duration // with the one of whom there is another; zero: 2 s. Twilio answers in a fifth of that, and who is slow is asked
	Lag      time.Duration // how far a provider's list may lie behind what it has taken; zero: 1 s
	Asking   time.Duration // patience with a question about a message, half of it while the first is away; zero: 1.5 s
	Hold     time.Duration // the first must have worked for so long; zero: 15 s, doubled when it fails again soon, at most 5 min
	Every    time.Duration // between probes; zero: 5 s

	mu      sync.Mutex
	strikes int // failures in a row
	away    bool
	since   time.Time // away, or back, since
	well    time.Time // probes have been good since; zero: the last one was not
	hold    time.Duration
}

const (
	strikesOut  = 2                // a failure alone may be chance
	soon        = 10 * time.Minute // failing again within this is the same trouble
	longestHold = 5 * time.Minute
)

// Send hands a message to one provider, and to the other only when nothing of it is with the one. Receipts and errors
// as of activities.Carrier.
func (f *Failover) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	one, other := f.order()
	began := f.Now()
	receipt, free, err := f.hand(ctx, one, m, cmp.Or(f.Patience, 2*time.Second))
	if !free || ctx.Err() != nil {
		return receipt, err
	}
	if m.Purpose == page.Page && f.Settled != nil && f.Settled(ctx, m, began) {
		return page.Overtaken(m.Key, f.Now()), nil
	}
	instead, free, trouble := f.hand(ctx, other, m, 0)
	switch {
	case trouble == nil && !free:
		if instead.Reason == "" {
			instead.Reason = "instead of " + one.Name
		}
		return instead, nil
	case trouble != nil && !free:
		return page.Receipt{}, trouble // it may be there: only it must be asked next
	case err != nil:
		return page.Receipt{}, err
	case trouble != nil:
		return page.Receipt{}, trouble
	}
	return receipt, nil // both refuse it
}

// Find asks both, since nobody remembers whom an earlier attempt, perhaps in another process, has handed the message to.
// It left if one has it; it did not if both deny it.
func (f *Failover) Find(ctx context.Context, m page.Message, since time.Time) (page.Receipt, bool, error) {
	var silent error
	for _, p := range []Provider{f.First, f.Second} {
		receipt, found, err := f.ask(ctx, p, m, since)
		if err == nil && found {
			return receipt, true, nil
		}
		silent = errors.Join(silent, err)
	}
	return page.Receipt{}, false, silent
}

// hand gives a message to a provider. free: nothing of it is there, so that another may carry it. Zero patience: as
// much as ctx has.
func (f *Failover) hand(ctx context.Context, p Provider, m page.Message, patience time.Duration) (receipt page.Receipt, free bool, err error) {
	began := f.Now()
	receipt, err = within(ctx, patience, func(ctx context.Context) (page.Receipt, error) { return p.Outlet.Send(ctx, m) })
	switch {
	case err == nil:
		f.heard(p, receipt)
		free = p.Elsewhere != nil && p.Elsewhere(receipt)
		return receipt, free, nil
	case ctx.Err() != nil || !fault.Retryable(err):
		return page.Receipt{}, false, err // ended from outside, or a mistake of ours
	case errors.Is(err, page.ErrUnsent), fault.Is(err, fault.Throttled):
		f.failed(p, 1, err)
		return page.Receipt{}, true, err
	}
	f.failed(p, weight(f.Now().Sub(began), patience), err)
	if p.Name != f.First.Name && patience == 0 {
		return page.Receipt{}, false, err // nobody left to take over: the next attempt asks
	}
	return f.denied(ctx, p, m, began, err)
}

// denied asks a provider that gave no clear answer whether it has the message, after the time that its lists lie behind.
func (f *Failover) denied(ctx context.Context, p Provider, m page.Message, began time.Time, why error) (page.Receipt, bool, error) {
	select {
	case <-ctx.Done():
		return page.Receipt{}, false, why
	case <-time.After(cmp.Or(f.Lag, time.Second)):
	}
	receipt, found, err := f.ask(ctx, p, m, began)
	switch {
	case err != nil:
		return page.Receipt{}, false, why
	case found:
		return receipt, false, nil
	}
	return page.Receipt{}, true, why
}

func (f *Failover) ask(ctx context.Context, p Provider, m page.Message, since time.Time) (page.Receipt, bool, error) {
	type answer struct {
		receipt page.Receipt
		found   bool
	}
	patience := cmp.Or(f.Asking, 1500*time.Millisecond)
	if one, _ := f.order(); one.Name != f.First.Name {
		patience /= 2
	}
	a, err := within(ctx, patience, func(ctx context.Context) (answer, error) {
		receipt, found, err := p.Outlet.Find(ctx, m, since)
		return answer{receipt, found}, err
	})
	if err != nil && ctx.Err() == nil && p.Name == f.First.Name {
		f.failed(p, 1, err)
	}
	return a.receipt, a.found, err
}

// within bounds f; zero: by ctx alone.
func within[A any](ctx context.Context, limit time.Duration, f func(context.Context) (A, error)) (A, error) {
	if limit > 0 {
		bounded, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		ctx = bounded
	}
	return f(ctx)
}

// weight: silence costs every message its whole patience, so that once is enough.
func weight(took, patience time.Duration) int {
	if patience > 0 && took >= patience {
		return strikesOut
	}
	return 1
}

// Run hands the channel back to the first provider once it works again, until ctx ends.
func (f *Failover) Run(ctx context.Context) {
	tick := time.NewTicker(cmp.Or(f.Every, 5*time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.Check(ctx)
		}
	}
}

// Check asks the first provider, if it is away, how it does, and hands back to one that has worked for long enough. One
// that cannot be asked is tried again with a message when that time has passed.
func (f *Failover) Check(ctx context.Context) {
	f.mu.Lock()
	away, since := f.away, f.since
	f.mu.Unlock()
	if !away {
		return
	}
	if f.First.Probe == nil {
		f.feels(since)
		return
	}
	bounded, cancel := context.WithTimeout(ctx, cmp.Or(f.Every, 5*time.Second))
	defer cancel()
	if err := f.First.Probe(bounded); err != nil {
		f.feels(time.Time{})
		return
	}
	f.feels(f.Now())
}

// feels notes since when the first provider works, at the latest; the zero time: it does not.
func (f *Failover) feels(well time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.well.IsZero() || well.IsZero() {
		f.well = well
	}
	if !f.away || f.well.IsZero() || f.Now().Sub(f.well) < f.hold {
		return
	}
	f.away, f.since = false, f.Now()
	f.strikes = strikesOut - 1 // on probation
	f.Log.Info("carrier works again and takes its channel back", "channel", f.Channel, "from", f.Second.Name, "to", f.First.Name)
	f.switched(f.Second, f.First)
}

// order is whom to ask first, whom then.
func (f *Failover) order() (one, other Provider) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return f.Second, f.First
	}
	return f.First, f.Second
}

// heard: an answer, whatever it says, is a sign of life, unless it is about the provider's own trouble.
func (f *Failover) heard(p Provider, r page.Receipt) {
	if r.Class == page.Transient {
		f.failed(p, 1, fault.New(fault.Unavailable, "%s %s", r.Status, r.Code))
		return
	}
	if p.Name != f.First.Name {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strikes = 0
}

// failed counts against the first provider.
func (f *Failover) failed(p Provider, weight int, err error) {
	if p.Name != f.First.Name {
		f.Log.Warn("second carrier fails", "channel", f.Channel, "provider", p.Name, "error", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strikes += weight
	f.well = time.Time{}
	if f.away || f.strikes < strikesOut {
		return
	}
	now, first := f.Now(), cmp.Or(f.Hold, 15*time.Second)
	if f.hold > 0 && now.Sub(f.since) < soon {
		f.hold = min(2*f.hold, longestHold)
	} else {
		f.hold = first
	}
	f.away, f.since = true, now
	f.Log.Warn("carrier fails, another takes its channel over", "channel", f.Channel, "from", f.First.Name, "to", f.Second.Name, "error", err)
	f.switched(f.First, f.Second)
}

func (f *Failover) switched(from, to Provider) {
	if f.Switched != nil {
		f.Switched(f.Channel, from.Name, to.Name)
	}
}
