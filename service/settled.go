package service

import (
	"context"
	"time"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/page"
)

// settledWithin bounds the question: a page that may be one too many is better than one that waits for the database.
const settledWithin = 300 * time.Millisecond

// Settled asks the records whether somebody has taken or ended what a page is about since then. When they do not say,
// nobody has. Of what a vendor's people do they know nothing.
func Settled(records Escalations) func(ctx context.Context, m page.Message, since time.Time) bool {
	return func(ctx context.Context, m page.Message, since time.Time) bool {
		to, ok := escalation.ReadKey(m.Key)
		if !ok || to.Vendor != "" {
			return false
		}
		ctx, cancel := context.WithTimeout(ctx, settledWithin)
		defer cancel()
		row, err := records.Get(ctx, to.Escalation)
		return err == nil && (row.AcknowledgedAt.After(since) || row.ResolvedAt.After(since))
	}
}
