package service

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
)

// Receipts takes what carriers report about messages.
type Receipts struct {
	Messages Messages
	Digests  interface {
		// Hear keeps a report about a digest, for all whose pages were in it.
		Hear(ctx context.Context, digest int64, r page.Receipt) error
	}
	Engine Engine
	Pool   *Pool
	Log    *slog.Logger
	// Pause before the engine is asked again, doubled each time; zero: one second.
	Pause time.Duration
}

// receiptAttempts with doubling pauses from one second span a minute; after that the ladder's own wait has gone by
// anyhow.
const receiptAttempts = 6

// Take notes a receipt and hands it to the workflow that sent the message. A receipt that came before changes
// nothing; one about a message that nobody sent is dropped: carriers are not told what we know. What cannot be noted,
// because the records are away, is told to the workflow all the same.
func (r *Receipts) Take(ctx context.Context, receipt page.Receipt) error {
	sent, err := r.sent(ctx, receipt)
	if fault.Is(err, fault.NotFound) {
		r.Log.WarnContext(ctx, "receipt for a message nobody sent",
			"key", receipt.Key, "provider", receipt.Provider, "status", receipt.Status)
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the message of a receipt: %w", err)
	}
	receipt.Key = sent.Message.Key
	if digest, ok := DigestOf(receipt.Key); ok {
		// Before it is noted: what could not be heard comes again.
		if err := r.Digests.Hear(ctx, digest, receipt); err != nil {
			return fmt.Errorf("hear what became of a digest: %w", err)
		}
		r.fresh(ctx, receipt)
		return nil
	}
	if !r.fresh(ctx, receipt) {
		return nil
	}
	if err := r.Engine.Receipt(ctx, sent.Workflow, receipt); err == nil || !fault.Retryable(err) {
		return nil // an escalation that is over does not care
	}
	if !r.Pool.Go(ctx, func(ctx context.Context) { r.insist(ctx, sent.Workflow, receipt) }) {
		r.Log.ErrorContext(ctx, "receipt lost, the ladder goes on by its timer", "key", receipt.Key)
	}
	return nil
}

func (r *Receipts) sent(ctx context.Context, receipt page.Receipt) (Sent, error) {
	if receipt.Key != "" {
		return sentBy(ctx, r.Messages, receipt.Key)
	}
	return r.Messages.ByProvider(ctx, receipt.Provider, receipt.ProviderID)
}

// fresh notes a receipt and tells whether it is news. In doubt it is: the workflow knows what it has heard.
func (r *Receipts) fresh(ctx context.Context, receipt page.Receipt) bool {
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	fresh, err := r.Messages.Note(ctx, receipt)
	if err != nil {
		r.Log.WarnContext(ctx, "receipt not noted", "key", receipt.Key, "status", receipt.Status, "error", err)
		return true
	}
	return fresh
}

// insist hands a receipt over once the engine is back.
func (r *Receipts) insist(ctx context.Context, workflow string, receipt page.Receipt) {
	pause := r.Pause
	if pause == 0 {
		pause = time.Second
	}
	var err error
	for range receiptAttempts {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause *= 2
		if err = r.Engine.Receipt(ctx, workflow, receipt); err == nil || !fault.Retryable(err) {
			return
		}
	}
	r.Log.ErrorContext(ctx, "receipt lost, the ladder goes on by its timer", "key", receipt.Key, "error", err)
}
