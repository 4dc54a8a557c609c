package activities

import (
	"context"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/sla"
)

// Judges know the tickets that are watched and what is promised about them.
type Judges interface {
	// Judge says how a ticket stands. fault.NotFound for one that nobody observed.
	Judge(ctx context.Context, j contract.Judge) (sla.Verdict, error)
}

// Warden watches tickets: calendars and conditions stay here, the workflow sees instants.
type Warden struct{ Judges Judges }

// Judge says how a ticket stands, and what is to be done when.
func (w *Warden) Judge(ctx context.Context, j contract.Judge) (sla.Verdict, error) {
	if w.Judges == nil {
		return sla.Verdict{}, fault.New(fault.Internal, "judge ticket %s: this worker knows no tickets", j.Ticket)
	}
	return w.Judges.Judge(ctx, j)
}
