package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/surge"
	"github.com/belayhq/belay/disk"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// What works without the records asks the lights first: a page must not wait for a database that is known to be away,
// and a thousand recorders must not knock at its door.

const (
	noteWithin   = time.Second     // a message leaves without its note
	lookUpWithin = 2 * time.Second // somebody has a telephone at their ear
	writeWithin  = 8 * time.Second // within the engine's own patience with an attempt
)

type litLedger struct {
	store.Ledger
	lights *service.Lights
}

func (l litLedger) Begin(ctx context.Context, m page.Message, workflow string, decided, at time.Time) (prior contract.Prior, err error) {
	err = l.lights.Ask(ctx, noteWithin, func(ctx context.Context) (err error) {
		prior, err = l.Ledger.Begin(ctx, m, workflow, decided, at)
		return err
	})
	return prior, err
}

func (l litLedger) Silenced(ctx context.Context, m page.Message, workflow string, decided time.Time) (silenced bool, err error) {
	err = l.lights.Ask(ctx, noteWithin, func(ctx context.Context) (err error) {
		silenced, err = l.Ledger.Silenced(ctx, m, workflow, decided)
		return err
	})
	return silenced, err
}

func (l litLedger) Finish(ctx context.Context, r page.Receipt) error {
	return l.lights.Ask(ctx, noteWithin, func(ctx context.Context) error { return l.Ledger.Finish(ctx, r) })
}

func (l litLedger) Silence(ctx context.Context, workflow string, since time.Time) (leaving bool, err error) {
	err = l.lights.Ask(ctx, noteWithin, func(ctx context.Context) (err error) {
		leaving, err = l.Ledger.Silence(ctx, workflow, since)
		return err
	})
	return leaving, err
}

func (l litLedger) Leaving(ctx context.Context, workflow string) (leaving bool, err error) {
	err = l.lights.Ask(ctx, noteWithin, func(ctx context.Context) (err error) {
		leaving, err = l.Ledger.Leaving(ctx, workflow)
		return err
	})
	return leaving, err
}

// litBook is what somebody waits for: a page that wants to leave, a human who has answered or asks.
type litBook struct {
	store.Digests
	lights *service.Lights
}

func (b litBook) Gather(ctx context.Context, g service.Gathered, rules surge.Rules) (alone bool, err error) {
	err = b.lights.Ask(ctx, noteWithin, func(ctx context.Context) (err error) {
		alone, err = b.Digests.Gather(ctx, g, rules)
		return err
	})
	return alone, err
}

func (b litBook) Waits(ctx context.Context, key string) (kept bool, err error) {
	err = b.lights.Ask(ctx, noteWithin, func(ctx context.Context) (err error) {
		kept, err = b.Digests.Waits(ctx, key)
		return err
	})
	return kept, err
}

func (b litBook) Withdraw(ctx context.Context, workflow string) (leaving bool, err error) {
	err = b.lights.Ask(ctx, noteWithin, func(ctx context.Context) (err error) {
		leaving, err = b.Digests.Withdraw(ctx, workflow)
		return err
	})
	return leaving, err
}

func (b litBook) Members(ctx context.Context, digests ...int64) (members map[int64][]service.Member, err error) {
	err = b.lights.Ask(ctx, writeWithin, func(ctx context.Context) (err error) {
		members, err = b.Digests.Members(ctx, digests...)
		return err
	})
	return members, err
}

type litJournal struct {
	store.Journal
	lights *service.Lights
}

func (j litJournal) Write(ctx context.Context, r contract.Record) error {
	return j.lights.Later(j.lights.Ask(ctx, writeWithin, func(ctx context.Context) error { return j.Journal.Write(ctx, r) }))
}

type litInbox struct {
	store.Inbox
	lights *service.Lights
}

func (i litInbox) Reconcile(ctx context.Context, r contract.Reconcile) error {
	return i.lights.Later(i.lights.Ask(ctx, 2*writeWithin, func(ctx context.Context) error { return i.Inbox.Reconcile(ctx, r) }))
}

type litMessages struct {
	store.Messages
	lights *service.Lights
}

func (m litMessages) ByKey(ctx context.Context, key string) (sent service.Sent, err error) {
	err = m.lights.Ask(ctx, lookUpWithin, func(ctx context.Context) (err error) {
		sent, err = m.Messages.ByKey(ctx, key)
		return err
	})
	return sent, err
}

func (m litMessages) ByProvider(ctx context.Context, provider, providerID string) (sent service.Sent, err error) {
	err = m.lights.Ask(ctx, lookUpWithin, func(ctx context.Context) (err error) {
		sent, err = m.Messages.ByProvider(ctx, provider, providerID)
		return err
	})
	return sent, err
}

func (m litMessages) Note(ctx context.Context, r page.Receipt) (fresh bool, err error) {
	err = m.lights.Ask(ctx, lookUpWithin, func(ctx context.Context) (err error) {
		fresh, err = m.Messages.Note(ctx, r)
		return err
	})
	return fresh, err
}

// PagedTo lists what the lights leave to their caller, who asks for more with it.
func (m litMessages) PagedTo(ctx context.Context, p id.Person, since time.Time, limit int) ([]service.Sent, error) {
	return m.Messages.PagedTo(ctx, p, since, limit)
}

// shelf is what this process keeps beside itself; nil when there is no place for it. That is told loudly: such a process
// cannot begin without the database.
func (a *App) shelf() *disk.Shelf {
	dir := a.options.StateDir
	if dir == "" {
		dir = filepath.Join(a.options.Home, "state")
	}
	shelf, err := disk.Open(dir, a.options.DatabaseURL)
	if err != nil {
		a.log.Error("BELAY_STATE_DIR cannot be used: this process cannot start while PostgreSQL is away", "error", err)
		return nil
	}
	return &shelf
}

// litRoll is signed every second by whoever works.
type litRoll struct {
	store.Sticky
	lights *service.Lights
}

func (r litRoll) Keep(ctx context.Context, queue contract.Sticky) error {
	return r.lights.Ask(ctx, lookUpWithin, func(ctx context.Context) error { return r.Sticky.Keep(ctx, queue) })
}

func (r litRoll) Silent(ctx context.Context, silent, forget time.Duration) (queues []contract.Sticky, err error) {
	err = r.lights.Ask(ctx, lookUpWithin, func(ctx context.Context) (err error) {
		queues, err = r.Sticky.Silent(ctx, silent, forget)
		return err
	})
	return queues, err
}

func (r litRoll) Leave(ctx context.Context, queue string) error {
	return r.lights.Ask(ctx, lookUpWithin, func(ctx context.Context) error { return r.Sticky.Leave(ctx, queue) })
}
