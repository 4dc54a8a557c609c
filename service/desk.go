package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/belayhq/belay/core/fault"
)

// Desk settles events beside the requests that brought them, as many at once as have come meanwhile: a lone event at
// once, a storm in few transactions. What it does not come to is left to a relay.
type Desk struct {
	Settler *Settler
	Gate    *Gate
	Lights  *Lights // nil: the records are always asked
	Pool    *Pool
	Log     *slog.Logger
	Hands   int // transactions at once; zero: 2

	mu      sync.Mutex
	waiting []arrival
	busy    int
}

// arrival is an event that was accepted.
type arrival struct {
	seq int64
	// dusk takes it elsewhere when the records have gone since.
	dusk func(ctx context.Context, why error) error
}

const (
	mostWaiting = 20_000 // events; beyond them nobody has hopes that this process settles them soon
	mostSettled = 100    // events at once

	// What takes longer beside a request is left to the relay.
	settleWithin = 20 * time.Second
	commitWithin = 8 * time.Second
)

// Soon takes an event to be settled. When the records turn out to have gone since it was accepted, dusk is called.
func (d *Desk) Soon(ctx context.Context, seq int64, dusk func(ctx context.Context, why error) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) >= mostWaiting {
		return
	}
	d.waiting = append(d.waiting, arrival{seq, dusk})
	hands := d.Hands
	if hands == 0 {
		hands = 2
	}
	if d.busy >= hands {
		return
	}
	d.busy++
	// Also when the process is about to stop: what was begun here is done soonest here.
	if !d.Pool.Go(ctx, func(ctx context.Context) { d.work(context.WithoutCancel(ctx)) }) {
		d.busy--
		if d.busy == 0 {
			d.waiting = nil // nobody here will come to it
		}
	}
}

func (d *Desk) work(ctx context.Context) {
	done := false
	defer func() {
		if !done { // a panic: its events are the relay's now
			d.mu.Lock()
			d.busy--
			d.mu.Unlock()
		}
	}()
	for {
		arrived := d.next()
		if len(arrived) == 0 {
			done = true
			return
		}
		d.settle(ctx, arrived)
	}
}

// next is empty when nothing waits; then the hand rests.
func (d *Desk) next() []arrival {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(len(d.waiting), mostSettled)
	arrived := d.waiting[:n:n]
	d.waiting = d.waiting[n:]
	if n == 0 {
		d.waiting = nil
		d.busy--
	}
	return arrived
}

func (d *Desk) settle(ctx context.Context, arrived []arrival) {
	seqs, dusks := make([]int64, len(arrived)), map[int64]func(context.Context, error) error{}
	for n, a := range arrived {
		seqs[n], dusks[a.seq] = a.seq, a.dusk
	}
	bounded, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	errands := d.Settler.commitAll(bounded, seqs, func(seq int64, err error) { d.later(ctx, seq, err, dusks[seq]) })
	for _, chain := range chains(errands) {
		d.tell(ctx, chain)
	}
}

// later: what cannot be settled now waits for a relay, unless the records are gone and there is another way.
func (d *Desk) later(ctx context.Context, seq int64, why error, dusk func(context.Context, error) error) {
	if fault.Is(why, fault.Unavailable) && dusk != nil && d.Lights.Gone(ctx) {
		ctx, cancel := context.WithTimeout(ctx, settleWithin)
		defer cancel()
		if why = dusk(ctx, why); why == nil {
			return
		}
	}
	d.Log.WarnContext(ctx, "event left to the relay", "event", seq, "error", why)
}

// tell goes on beside the settling: engines are slower than inboxes.
func (d *Desk) tell(ctx context.Context, chain []Errand) {
	if start := chain[0].Start; start != nil && !d.Gate.Pass(start.Opening.Plan.Priority) {
		return
	}
	began := d.Pool.Go(ctx, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
		defer cancel()
		if err := d.Settler.runChain(ctx, chain, false); err != nil {
			d.Log.WarnContext(ctx, "errands left to the relay", "error", err)
		}
	})
	if !began {
		d.Gate.Hold()
	}
}
