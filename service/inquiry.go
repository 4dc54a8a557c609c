package service

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
)

// Asker tells what became of a message that a provider has named.
type Asker interface {
	// Ask answers a receipt as a callback would have; fault.NotFound when there is no telling.
	Ask(ctx context.Context, m page.Message, providerID string) (page.Receipt, error)
}

// Unheard finds messages of which the last that was heard says that they are on their way.
type Unheard interface {
	// Claim takes up to so many that are due to be asked for, oldest first: 30 s, 2, 10 and 30 minutes after they began,
	// none after an hour. Each turn of a message is claimed once, by whatever process.
	Claim(ctx context.Context, providers []string, now time.Time, limit int) ([]Sent, error)
}

// Inquiry asks providers for what they should have called back and did not. Each process may have one: a turn that a dying
// process took along is made up for by the next.
type Inquiry struct {
	Unheard  Unheard
	Askers   map[string]Asker // by provider
	Receipts *Receipts
	Now      func() time.Time
	Log      *slog.Logger
	Every    time.Duration // zero: 5 s
	Batch    int           // of one sweep, so that providers are not flooded with questions; zero: 50
	Patience time.Duration // with one answer; zero: 5 s
}

// Run sweeps until the context ends.
func (q *Inquiry) Run(ctx context.Context) {
	tick := time.NewTicker(cmp.Or(q.Every, 5*time.Second))
	defer tick.Stop()
	for {
		q.Sweep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep asks once for what is due.
func (q *Inquiry) Sweep(ctx context.Context) {
	batch := q.Batch
	if batch == 0 {
		batch = 50
	}
	providers := make([]string, 0, len(q.Askers))
	for name := range q.Askers {
		providers = append(providers, name)
	}
	due, err := q.Unheard.Claim(ctx, providers, q.Now(), batch)
	if err != nil {
		if ctx.Err() == nil {
			q.Log.WarnContext(ctx, "messages without news not read", "error", err)
		}
		return
	}
	for _, sent := range due {
		if ctx.Err() != nil {
			return
		}
		q.inquire(ctx, sent)
	}
}

func (q *Inquiry) inquire(ctx context.Context, sent Sent) {
	bounded, cancel := context.WithTimeout(ctx, cmp.Or(q.Patience, 5*time.Second))
	defer cancel()
	receipt, err := q.Askers[sent.Last.Provider].Ask(bounded, sent.Message, sent.Last.ProviderID)
	if fault.Is(err, fault.NotFound) {
		return // it will not be known later either
	}
	if err != nil {
		q.Log.WarnContext(ctx, "carrier does not tell what became of a message", "key", sent.Message.Key, "provider", sent.Last.Provider, "error", err)
		return
	}
	receipt.Key = sent.Message.Key
	if receipt.Class == page.Pending {
		return // no news
	}
	if err := q.Receipts.Take(ctx, receipt); err != nil {
		q.Log.WarnContext(ctx, "receipt that was asked for not taken", "key", receipt.Key, "error", err)
	}
}
