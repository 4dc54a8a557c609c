package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// listen sets every way in which a run can be spoken to. The state is complete by now.
func (s *shell) listen(ctx workflow.Context) error {
	for _, name := range contract.Verbs() {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, name,
			func(ctx workflow.Context, w contract.Word) (contract.Reply, error) {
				return s.apply(ctx, event(name, w, workflow.Now(ctx))), nil
			},
			workflow.UpdateHandlerOptions{Validator: func(w contract.Word) error { return valid(w) }, Description: "what a human says: " + name},
		); err != nil {
			return err
		}
	}
	for _, in := range s.inlets() {
		workflow.Go(ctx, func(ctx workflow.Context) {
			for in.receive(ctx) {
			}
		})
	}
	if err := workflow.SetQueryHandlerWithOptions(ctx, contract.QueryMachine,
		func() (escalation.State, error) { return s.state, nil },
		workflow.QueryHandlerOptions{Description: "all that it knows, its plan included"}); err != nil {
		return err
	}
	return workflow.SetQueryHandlerWithOptions(ctx, contract.QueryState,
		func() (escalation.Summary, error) { return s.state.Summary(), nil },
		workflow.QueryHandlerOptions{Description: "the row as lists show it"})
}

// valid refuses a word that can never be right. A refusal leaves no trace in history.
func valid(w contract.Word) error {
	if w.By == "" {
		return temporal.NewNonRetryableApplicationError("by: say who answers", "invalid", nil)
	}
	return nil
}

// event is what a word means, whichever way it came.
func event(name string, w contract.Word, at time.Time) escalation.Event {
	a := escalation.Answer{By: w.By, Name: w.Name, Via: w.Via, Key: w.Key, Note: w.Note, At: w.At}
	to := org.Target{}
	if w.To != nil {
		to = *w.To
	}
	switch name {
	case contract.Acknowledge:
		return escalation.Acknowledged{At: at, Answer: a}
	case contract.Resolve:
		return escalation.Resolved{At: at, Answer: a}
	case contract.Escalate:
		return escalation.Escalated{At: at, Answer: a, Direction: w.Direction, To: w.To}
	case contract.Reassign:
		return escalation.Reassigned{At: at, Answer: a, To: to}
	case contract.Snooze:
		return escalation.Snoozed{At: at, Answer: a, Until: w.Until}
	case contract.Reopen:
		return escalation.Reopened{At: at, Answer: a}
	case contract.Prioritise:
		return escalation.Prioritised{At: at, Answer: a, Priority: w.Priority}
	}
	return escalation.Noted{At: at, Answer: a}
}

// inlet is one signal: receive waits for the next, drain takes one that is there already.
type inlet struct {
	receive func(workflow.Context) bool
	drain   func(workflow.Context) bool
}

func (s *shell) inlets() []inlet {
	var all []inlet
	for _, name := range contract.Verbs() {
		all = append(all, signal(s, name, func(w contract.Word, at time.Time) []escalation.Event {
			return []escalation.Event{event(name, w, at)}
		}))
	}
	return append(all,
		signal(s, contract.SignalRepeat, func(r contract.Repeat, at time.Time) []escalation.Event {
			return []escalation.Event{escalation.Repeated{At: at, Key: r.Key, Count: r.Count, Severity: r.Severity, Fired: r.At}}
		}),
		signal(s, contract.SignalReceipt, func(r page.Receipt, at time.Time) []escalation.Event {
			return []escalation.Event{escalation.Reported{At: at, Receipt: r}}
		}),
		signal(s, contract.SignalTicket, func(c contract.TicketChanged, at time.Time) []escalation.Event {
			if c.By != "" {
				a := escalation.Answer{By: c.By, Name: c.Name, Via: c.Via, Key: c.Key, Note: c.Note}
				return []escalation.Event{escalation.Recalculated{At: at, Answer: a}}
			}
			return []escalation.Event{escalation.Observed{At: at, Key: c.Key, Version: c.Version}}
		}),
		signal(s, contract.SignalReport, func(r contract.Reports, at time.Time) []escalation.Event {
			steps := make([]escalation.Event, len(r.Reports))
			for i, report := range r.Reports {
				steps[i] = escalation.VendorReported{At: at, Report: report}
			}
			return steps
		}),
		signal(s, contract.SignalStandDown, func(d contract.StandDown, at time.Time) []escalation.Event {
			return []escalation.Event{escalation.StoodDown{At: at, Reason: d.Reason}}
		}),
	)
}

func signal[T any](s *shell, name string, mean func(T, time.Time) []escalation.Event) inlet {
	hear := func(ctx workflow.Context, payload T) bool {
		for _, e := range mean(payload, workflow.Now(ctx)) {
			s.apply(ctx, e)
		}
		return true
	}
	return inlet{
		receive: func(ctx workflow.Context) bool {
			var payload T
			if !workflow.GetSignalChannel(ctx, name).Receive(ctx, &payload) || ctx.Err() != nil {
				return false
			}
			return hear(ctx, payload)
		},
		drain: func(ctx workflow.Context) bool {
			var payload T
			return workflow.GetSignalChannel(ctx, name).ReceiveAsync(&payload) && hear(ctx, payload)
		},
	}
}

// drained takes everything that has arrived and reports whether there was nothing: a signal that is not taken before
// a run ends is lost.
func (s *shell) drained(ctx workflow.Context) bool {
	nothing := true
	for _, in := range s.inlets() {
		for in.drain(ctx) {
			nothing = false
		}
	}
	return nothing
}
