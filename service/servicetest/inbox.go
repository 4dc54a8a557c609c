package servicetest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

// Inbox keeps events and errands.
type Inbox struct {
	mu      sync.Mutex
	Broken  error         // answered by Accept
	Silent  service.Crowd // answered by Crowd
	aside   []int64
	events  []*event
	errands []*errand
	open    map[conversation]id.Escalation
	numbers int64
}

type event struct {
	service.Incoming
	settled    bool
	escalation id.Escalation
}

type errand struct {
	service.Errand
	event int64
	done  bool
}

type conversation struct {
	service id.Service
	key     string
}

// Events lists everything accepted.
func (b *Inbox) Events() []service.Incoming {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []service.Incoming
	for _, e := range b.events {
		all = append(all, e.Incoming)
	}
	return all
}

// Waiting is how many events are not settled and how many errands not done.
func (b *Inbox) Waiting() (events, errands int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if !e.settled {
			events++
		}
	}
	for _, e := range b.errands {
		if !e.done {
			errands++
		}
	}
	return events, errands
}

// Accept implements service.Inbox.
func (b *Inbox) Accept(_ context.Context, in service.Incoming) (int64, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Broken != nil {
		return 0, false, b.Broken
	}
	for i, e := range b.events {
		if in.Key != "" && e.Key == in.Key && e.Integration == in.Integration {
			return int64(i + 1), true, nil
		}
	}
	b.events = append(b.events, &event{Incoming: in})
	return int64(len(b.events)), false, nil
}

// AcceptAll implements service.Inbox.
func (b *Inbox) AcceptAll(_ context.Context, in []service.Incoming) ([]int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Broken != nil {
		return nil, b.Broken
	}
	var seqs []int64
	for _, one := range in {
		b.events = append(b.events, &event{Incoming: one})
		seqs = append(seqs, int64(len(b.events)))
	}
	return seqs, nil
}

// Settle implements service.Inbox, without the interval between repeats: each becomes an errand.
func (b *Inbox) Settle(_ context.Context, seq int64, open func(id.Escalation, service.Incoming) (contract.Start, error)) ([]service.Errand, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if seq < 1 || seq > int64(len(b.events)) {
		return nil, fault.New(fault.NotFound, "event %d", seq)
	}
	about := talk(b.events[seq-1].Incoming)
	for i := range seq {
		e := b.events[i]
		if e.settled || talk(e.Incoming) != about {
			continue
		}
		if err := b.settle(i+1, e, open); err != nil {
			return nil, err
		}
	}
	var undone []service.Errand
	for _, e := range b.errands {
		if !e.done && talk(b.events[e.event-1].Incoming) == about {
			undone = append(undone, e.Errand)
		}
	}
	return undone, nil
}

// SettleAll implements service.Inbox.
func (b *Inbox) SettleAll(ctx context.Context, seqs []int64, open func(id.Escalation, service.Incoming) (contract.Start, error)) ([]service.Errand, error) {
	var all []service.Errand
	known := map[int64]bool{}
	for _, seq := range seqs {
		errands, err := b.Settle(ctx, seq, open)
		if err != nil {
			return nil, err
		}
		for _, e := range errands {
			if !known[e.ID] {
				known[e.ID] = true
				all = append(all, e)
			}
		}
	}
	return all, nil
}

func talk(in service.Incoming) conversation {
	return conversation{service: in.Service, key: in.Alert.DedupKey}
}

func (b *Inbox) settle(seq int64, e *event, open func(id.Escalation, service.Incoming) (contract.Start, error)) error {
	if b.open == nil {
		b.open = map[conversation]id.Escalation{}
	}
	running, joined := b.open[talk(e.Incoming)]
	switch e.Alert.Action {
	case alert.Trigger:
		if joined {
			b.add(seq, service.Errand{Escalation: running, Repeat: &contract.Repeat{Count: 1, Severity: e.Alert.Severity}})
			break
		}
		b.numbers++
		running = id.OfNumber(b.numbers)
		start, err := open(running, e.Incoming)
		if err != nil {
			b.numbers--
			return err
		}
		b.open[talk(e.Incoming)] = running
		b.add(seq, service.Errand{Escalation: running, Start: &start})
	case alert.Ignore:
	case alert.Acknowledge, alert.Resolve:
		if !joined {
			break
		}
		verb := contract.Acknowledge
		if e.Alert.Action == alert.Resolve {
			verb = contract.Resolve
			delete(b.open, talk(e.Incoming))
		}
		b.add(seq, service.Errand{Escalation: running, Say: &service.Saying{Verb: verb, Word: contract.Word{By: "monitor", Via: "events"}}})
	}
	e.settled, e.escalation = true, running
	return nil
}

func (b *Inbox) add(seq int64, e service.Errand) {
	e.ID = int64(len(b.errands) + 1)
	b.errands = append(b.errands, &errand{Errand: e, event: seq})
}

// Unsettled implements service.Inbox; age is ignored.
func (b *Inbox) Unsettled(_ context.Context, _ time.Duration, limit int) ([]int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var waiting []int64
	for i, e := range b.events {
		if !e.settled && len(waiting) < limit {
			waiting = append(waiting, int64(i+1))
		}
	}
	return waiting, nil
}

// Take implements service.Inbox; age and hold are ignored. It has no oldest that goes with the others.
func (b *Inbox) Take(_ context.Context, t service.Turn) ([]service.Errand, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	chains := map[id.Escalation][]service.Errand{}
	var order []id.Escalation
	for _, e := range b.errands {
		if e.done || slices.Contains(b.aside, e.ID) {
			continue
		}
		if chains[e.Escalation] == nil {
			order = append(order, e.Escalation)
		}
		chains[e.Escalation] = append(chains[e.Escalation], e.Errand)
	}
	rank := func(e id.Escalation) int {
		if chains[e][0].Start == nil {
			return 0
		}
		return chains[e][0].Start.Opening.Plan.Priority.Rank()
	}
	slices.SortStableFunc(order, func(a, b id.Escalation) int { return cmp.Compare(rank(a), rank(b)) })
	var taken []service.Errand
	for _, e := range order {
		left := &t.Others
		switch rank(e) {
		case 0:
			left = &t.Words
		case 1:
			left = &t.Urgent
		}
		if *left > 0 {
			*left--
			taken = append(taken, chains[e]...)
		}
	}
	return taken, nil
}

// Crowd implements service.Inbox: whatever was started is heard of at once, unless Silent says otherwise. Age is ignored.
func (b *Inbox) Crowd(context.Context, time.Duration, time.Duration) (service.Crowd, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	crowd := b.Silent
	for _, e := range b.errands {
		crowd.Waiting = crowd.Waiting || !e.done && e.Start != nil && !slices.Contains(b.aside, e.ID)
	}
	return crowd, nil
}

// Aside implements service.Inbox: nobody ever takes it again.
func (b *Inbox) Aside(_ context.Context, number int64, _ time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.aside = append(b.aside, number)
	return nil
}

// Done implements service.Inbox.
func (b *Inbox) Done(_ context.Context, number int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errands[number-1].done = true
	return nil
}

// Orphan implements service.Inbox.
func (b *Inbox) Orphan(_ context.Context, number int64) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.errands[number-1]
	e.done = true
	delete(b.open, talk(b.events[e.event-1].Incoming))
	b.events[e.event-1].settled = false
	return e.event, nil
}

// EscalationOf implements service.Arrivals.
func (b *Inbox) EscalationOf(_ context.Context, seq int64) (id.Escalation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.events[seq-1].escalation; e != "" {
		return e, nil
	}
	return "", fault.New(fault.NotFound, "event %d opened nothing", seq)
}
