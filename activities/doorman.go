package activities

import (
	"context"
	"slices"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Doorman takes alerts while the inbox is away, and brings them there afterwards.
type Doorman struct {
	Finder  Finder
	Numbers Numbers
	Opener  Opener
	Inbox   Inbox
	// Again is how long it waits before it looks a second time for what was opened just now; zero: a second.
	Again time.Duration
}

// Finder looks for escalations without our records.
type Finder interface {
	// Answering finds the escalations of a conversation that are open or acknowledged.
	Answering(ctx context.Context, hash string) ([]id.Escalation, error)
}

// Numbers gives numbers that no other escalation has or will have.
type Numbers interface {
	Next(ctx context.Context) (id.Escalation, error)
}

// Opener makes what an escalation starts with.
type Opener interface {
	Opening(e id.Escalation, event contract.Event) (contract.Start, error)
}

// Inbox takes what was settled without it.
type Inbox interface {
	Reconcile(ctx context.Context, r contract.Reconcile) error
}

// Place finds the escalation of a conversation, or, for a trigger, what a new one starts with. When the lights have only
// just gone out it looks twice: what was opened with the last light may not be listed yet.
func (d *Doorman) Place(ctx context.Context, p contract.Place) (contract.Found, error) {
	open, err := d.look(ctx, p)
	if err == nil && open == "" && p.Event.Fresh && !p.Blind {
		if err = d.pause(ctx); err == nil {
			open, err = d.look(ctx, p)
		}
	}
	switch {
	case err != nil:
		return contract.Found{}, err
	case open != "":
		return contract.Found{Open: open}, nil
	case p.Event.Alert.Action != alert.Trigger:
		return contract.Found{}, nil
	}
	number, err := d.Numbers.Next(ctx)
	if err != nil {
		return contract.Found{}, err
	}
	start, err := d.Opener.Opening(number, p.Event)
	if err != nil {
		return contract.Found{}, err
	}
	start.Conversation = p.Hash
	return contract.Found{Start: &start}, nil
}

func (d *Doorman) look(ctx context.Context, p contract.Place) (id.Escalation, error) {
	if p.Blind {
		return "", nil
	}
	open, err := d.Finder.Answering(ctx, p.Hash)
	if err != nil {
		return "", err
	}
	open = slices.DeleteFunc(open, func(e id.Escalation) bool { return slices.Contains(p.Not, e) })
	if len(open) == 0 {
		return "", nil
	}
	return open[0], nil
}

func (d *Doorman) pause(ctx context.Context) error {
	again := d.Again
	if again == 0 {
		again = time.Second
	}
	select {
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "wait for the engine's index")
	case <-time.After(again):
		return nil
	}
}

// Reconcile brings what was taken to the inbox. Doing it twice is doing it once.
func (d *Doorman) Reconcile(ctx context.Context, r contract.Reconcile) error {
	return d.Inbox.Reconcile(ctx, r)
}
