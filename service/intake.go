package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Intake takes what monitors send.
type Intake struct {
	Organisation Organisation
	Inbox        Inbox
	Desk         *Desk
	Lights       *Lights // nil: the records are always asked
	Dark         *Dark   // nil: without the records nothing is taken
	Heart        *Heart  // nil: no sign of life is known
	Routes       *Routes // nil: everything goes where its integration says
	Canary       CanaryProof
	// Tickets takes what comes by an integration whose messages are tickets; nil: nothing does.
	Tickets func(ctx context.Context, system id.TicketSystem, format string, p alert.Post) error
	Now     func() time.Time
}

// acceptWithin is how long a sender waits for the inbox before the engine is asked to stand in.
const acceptWithin = 2 * time.Second

// acceptEachWithin is added for each event of a request: two thousand of them take a database that is busy a second.
const acceptEachWithin = 2 * time.Millisecond

// Accept takes one decoded event for the integration with this key and answers its dedup key. When it returns without
// an error the event is on disk, and whatever happens later cannot lose it. An unknown key is fault.NotFound.
func (i *Intake) Accept(ctx context.Context, key string, a alert.Alert, raw []byte, format string) (string, error) {
	now := i.Organisation.Current().Org
	integration, ok := integrationByKey(now, key)
	if !ok {
		return "", fault.New(fault.NotFound, "no integration has this key")
	}
	a = a.InTerms(now.Terms)
	if integration.Secret != "" {
		return "", fault.New(fault.Unauthenticated, "this integration has a secret, which cannot be proved in this format")
	}
	if a.DedupKey == "" {
		if a.Action == alert.Acknowledge || a.Action == alert.Resolve {
			return "", fault.Field("dedup_key", "say which alert to %s", a.Action)
		}
		a.DedupKey = rand.Text()
	}
	in := Incoming{
		Integration: integration.ID,
		Service:     integration.Service,
		Format:      format,
		Alert:       a,
		Raw:         raw,
		ReceivedAt:  i.Now().Truncate(time.Microsecond), // as the inbox keeps it
	}
	in = i.Routes.apply(in, integration)
	if done, err := i.aside(ctx, in); done || err != nil {
		return a.DedupKey, err
	}
	if err := i.take(ctx, in); err != nil {
		return "", fmt.Errorf("keep the event of integration %s: %w", integration.ID, err)
	}
	return a.DedupKey, nil
}

// Keep writes down a request that asks nothing of an escalation any more. It has no place but the records.
func (i *Intake) Keep(ctx context.Context, in org.Integration, a alert.Alert, d Delivery) error {
	if a.DedupKey == "" {
		a.DedupKey = rand.Text()
	}
	kept := []Incoming{{
		Integration: in.ID, Service: in.Service, Format: d.Dialect.Name, Alert: a, Raw: d.Post.Body, Trace: d.Trace,
		ReceivedAt: i.Now().Truncate(time.Microsecond),
	}}
	var seqs []int64
	err := i.Lights.Ask(ctx, acceptWithin, func(ctx context.Context) (err error) {
		seqs, err = i.Inbox.AcceptAll(ctx, kept)
		return err
	})
	for _, seq := range seqs {
		i.Desk.Soon(ctx, seq, func(_ context.Context, why error) error { return why })
	}
	return err
}

// acceptAll takes the alerts of one request, all of them or none, and answers their dedup keys.
func (i *Intake) acceptAll(ctx context.Context, integration org.Integration, alerts []alert.Alert, d Delivery) ([]string, error) {
	if len(alerts) == 0 {
		return nil, nil
	}
	at := i.Now().Truncate(time.Microsecond) // as the inbox keeps it
	keys, in := make([]string, len(alerts)), make([]Incoming, 0, len(alerts))
	for n, a := range alerts {
		keys[n] = a.DedupKey
		one := i.Routes.apply(Incoming{
			Integration: integration.ID, Service: integration.Service, Format: d.Dialect.Name, Alert: a,
			Raw: d.Post.Body, Trace: d.Trace,
			ReceivedAt: at.Add(time.Duration(n) * time.Microsecond), // by which the record tells events apart
		}, integration)
		done, err := i.aside(ctx, one)
		if err != nil {
			return nil, err
		}
		if !done {
			in = append(in, one)
		}
	}
	if err := i.takeAll(ctx, in); err != nil {
		return nil, fmt.Errorf("keep %d events of integration %s: %w", len(in), integration.ID, err)
	}
	return keys, nil
}

// aside takes what is no alert for anybody: what a rule drops, and signs of life.
func (i *Intake) aside(ctx context.Context, in Incoming) (done bool, err error) {
	if in.Route == nil {
		return false, nil
	}
	switch in.Route.Action {
	case org.Drop:
		return true, nil
	case org.Ping:
		if in.Alert.Action != alert.Trigger {
			return true, nil // that a Watchdog ends is for its heartbeat to notice
		}
		return true, i.Heart.Beat(ctx, in.Integration, in.Route.Ping)
	case org.Tell, org.Suppress:
	}
	return false, nil
}

// takeAll commits the events of one request at once. Those whose conversations are in the engine go there first: when that
// fails nothing has been committed, and what the engine has by then is found to be the same when the sender comes again.
func (i *Intake) takeAll(ctx context.Context, in []Incoming) error {
	var elsewhere, here []Incoming
	for _, one := range in {
		if i.Dark.Talks(i.Dark.Hash(one.Service, one.Alert.DedupKey)) {
			elsewhere = append(elsewhere, one)
			continue
		}
		here = append(here, one)
	}
	if err := i.allInTheDark(ctx, elsewhere, nil); err != nil || len(here) == 0 {
		return err
	}
	var seqs []int64
	within := acceptWithin + time.Duration(len(here))*acceptEachWithin
	err := i.Lights.Ask(ctx, within, func(ctx context.Context) (err error) {
		seqs, err = i.Inbox.AcceptAll(ctx, here)
		return err
	})
	if fault.Is(err, fault.Unavailable) && ctx.Err() == nil {
		return i.allInTheDark(ctx, here, err)
	}
	for n, seq := range seqs {
		i.Desk.Soon(ctx, seq, func(ctx context.Context, why error) error { return i.inTheDark(ctx, here[n], why) })
	}
	return err
}

// handsInTheDark are the events of one request that the engine is given at once.
const handsInTheDark = 16

// allInTheDark gives the events of one request to the engine, those of one conversation in their order.
func (i *Intake) allInTheDark(ctx context.Context, in []Incoming, why error) error {
	if len(in) == 0 {
		return nil
	}
	talks := map[string][]Incoming{}
	for n, one := range in {
		if n > 0 {
			one.Raw = nil // one copy of the request is enough for an engine
		}
		hash := i.Dark.Hash(one.Service, one.Alert.DedupKey)
		talks[hash] = append(talks[hash], one)
	}
	var mu sync.Mutex
	var wrong []error
	var all sync.WaitGroup
	hands := make(chan struct{}, handsInTheDark)
	for _, talk := range talks {
		hands <- struct{}{}
		all.Go(func() {
			defer func() { <-hands }()
			for _, one := range talk {
				if err := i.inTheDark(ctx, one, why); err != nil {
					mu.Lock()
					wrong = append(wrong, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	all.Wait()
	if len(wrong) > 0 {
		return wrong[0]
	}
	return nil
}

// take commits an event to the inbox, or, while that is away and until its conversation is on record again, to the engine.
func (i *Intake) take(ctx context.Context, in Incoming) error {
	asks := in.Alert.Action != alert.Ignore // what asks for nothing can wait for the records
	if asks && i.Dark.Talks(i.Dark.Hash(in.Service, in.Alert.DedupKey)) {
		return i.inTheDark(ctx, in, nil)
	}
	var seq int64
	var known bool
	err := i.Lights.Ask(ctx, acceptWithin, func(ctx context.Context) (err error) {
		seq, known, err = i.Inbox.Accept(ctx, in)
		return err
	})
	if fault.Is(err, fault.Unavailable) && ctx.Err() == nil && asks {
		return i.inTheDark(ctx, in, err)
	}
	if err == nil && !known {
		// The sender has its answer now. One that was accepted with the last light need not wait for the morning: the engine
		// takes it too, and when the records are back the event is found to be the same.
		i.Desk.Soon(ctx, seq, func(ctx context.Context, why error) error { return i.inTheDark(ctx, in, why) })
	}
	return err
}

// inTheDark gives an event to the engine. When that is away too the sender must come again.
func (i *Intake) inTheDark(ctx context.Context, in Incoming, why error) error {
	if i.Dark == nil {
		return why
	}
	if _, _, err := i.Dark.Take(ctx, in, ""); err != nil {
		return errors.Join(err, why)
	}
	return nil
}

// Knows tells whether an integration has this key. fault.NotFound.
func (i *Intake) Knows(key string) error {
	if _, ok := integrationByKey(i.Organisation.Current().Org, key); !ok {
		return fault.New(fault.NotFound, "no integration has this key")
	}
	return nil
}

// integrationByKey compares hashes with every key: the time it takes tells nothing about any of them.
func integrationByKey(o *org.Org, key string) (org.Integration, bool) {
	var found org.Integration
	var ok bool
	sought := sha256.Sum256([]byte(key))
	for _, candidate := range o.Integrations {
		held := sha256.Sum256([]byte(candidate.Key))
		if candidate.Key != "" && subtle.ConstantTimeCompare(sought[:], held[:]) == 1 {
			found, ok = candidate, true
		}
	}
	return found, ok
}
