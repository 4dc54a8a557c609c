// Package workflows are the durable shells around the pure machine of core/escalation. A shell waits for the earliest
// due instant or for a message, takes a step, and performs the effects. It decides nothing itself.
package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
)

// Escalation runs one escalation from its opening until it is closed.
func Escalation(ctx workflow.Context, start contract.Start) error { return live(ctx, start) }

// Vendor runs one vendor's engagement beside the escalation that called it in.
func Vendor(ctx workflow.Context, start contract.Start) error { return live(ctx, start) }

func live(ctx workflow.Context, start contract.Start) error {
	s := &shell{lasting: lasting(ctx), calling: map[string]bool{}}
	s.begin(ctx, start)
	if err := s.listen(ctx); err != nil {
		return err
	}
	return s.run(ctx, start)
}

// lasting is not cancelled with the run: what happened is still written down.
func lasting(ctx workflow.Context) workflow.Context {
	kept, _ := workflow.NewDisconnectedContext(ctx)
	return kept
}

type shell struct {
	state    escalation.State
	lasting  workflow.Context
	busy     int                 // effects being performed
	looking  int                 // of these, questions that are answered within this workflow task, or nearly so
	boarding int                 // of these, messages that may still take entries along
	writing  int                 // of these, batches of entries that may not be written yet
	journal  []escalation.Record // entries that are not written yet
	reports  []escalation.Report // steps that the escalation has not been told yet
	leaving  []departure         // messages that have not left yet, as far as is known
	calling  map[string]bool     // vendors' runs that are being started
	shown    attributes          // search attributes as they were last set
}

// begin makes the state complete before anything can arrive: handlers may run as soon as they are set.
func (s *shell) begin(ctx workflow.Context, start contract.Start) {
	if start.Opening.Rules > escalation.CurrentRules {
		panic(fmt.Sprintf("%s was opened under rules %d and this worker knows none above %d: a newer one must take it", start.Opening.ID, start.Opening.Rules, escalation.CurrentRules))
	}
	workflow.Go(s.lasting, s.write)
	workflow.Go(s.lasting, s.report)
	if start.Carried != nil {
		s.state = *start.Carried
		s.shown = s.attributes()
		s.show(ctx)
		return
	}
	s.shown = attributes{state: escalation.Open, priority: start.Opening.Plan.Priority, tier: 1} // set at the start
	s.apply(ctx, escalation.Opened{At: workflow.Now(ctx), Opening: start.Opening})
	if start.Ended != nil {
		s.apply(ctx, event(contract.Resolve, *start.Ended, workflow.Now(ctx)))
	}
}

// run waits for what is due next and lets the machine know, until it is over.
func (s *shell) run(ctx workflow.Context, start contract.Start) error {
	for {
		switch {
		case ctx.Err() != nil:
			return s.cancelled(ctx)
		case s.state.Over() && s.drained(ctx) && s.idle():
			return nil
		case s.crowded(ctx) && s.drained(ctx) && s.idle():
			state := s.state
			next := contract.Start{Opening: start.Opening, Carried: &state}
			next.Opening.Plan.Tiers = nil // it is in the state
			return workflow.NewContinueAsNewError(ctx, workflow.GetInfo(ctx).WorkflowType.Name, next)
		}
		s.wait(ctx)
	}
}

// wait sleeps until the next due instant, and no longer than until that instant changes.
func (s *shell) wait(ctx workflow.Context) {
	wake, due := s.state.Wake()
	moved := func() bool {
		now, still := s.state.Wake()
		return !now.Equal(wake) || still != due || (s.state.Over() || s.crowded(ctx)) && s.idle()
	}
	// An error of Await is a cancellation: run sees it.
	if !due || moved() {
		_ = workflow.Await(ctx, moved)
		return
	}
	if s.looking > 0 { // the answer will move the instant: a timer would be started for nothing
		_ = workflow.Await(ctx, func() bool { return s.looking == 0 || moved() })
		return
	}
	pause := wake.Sub(workflow.Now(ctx))
	if pause <= 0 {
		s.apply(ctx, escalation.Ticked{At: workflow.Now(ctx)})
		return
	}
	next := s.state.Summary().Next
	timed, cancel := workflow.WithCancel(ctx)
	timer := workflow.NewTimerWithOptions(timed, pause, workflow.TimerOptions{
		Summary: next.Action + " " + next.Target + " at " + wake.UTC().Format("15:04:05 UTC"),
	})
	err := workflow.Await(ctx, func() bool { return moved() || timer.IsReady() })
	if err == nil && !moved() {
		s.apply(ctx, escalation.Ticked{At: workflow.Now(ctx)})
	}
	cancel() // a timer left behind would fire for nothing
}

// crowded: history has become so long that the run should be followed by another.
func (s *shell) crowded(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

// idle: nothing is under way that would be lost.
func (s *shell) idle() bool {
	return s.busy == 0 && len(s.journal) == 0 && len(s.reports) == 0
}

// cancelled: an operator ended the run in Temporal. That is written down, and vendors go home.
func (s *shell) cancelled(ctx workflow.Context) error {
	s.apply(s.lasting, escalation.Resolved{At: workflow.Now(s.lasting), Answer: escalation.Answer{
		By: "operator", Via: "temporal", Key: "cancelled", Note: "the run was cancelled",
	}})
	if !s.state.Over() { // there is no run that could be reopened
		s.state.CloseAt = workflow.Now(s.lasting)
		s.apply(s.lasting, escalation.Ticked{At: workflow.Now(s.lasting)})
	}
	_ = workflow.Await(s.lasting, s.idle)
	return ctx.Err()
}

// apply takes one step and sets its effects going. It never blocks. The reply is the answer to a human's word.
func (s *shell) apply(ctx workflow.Context, e escalation.Event) contract.Reply {
	var effects []escalation.Effect
	s.state, effects = escalation.Step(s.state, e)
	s.hold()
	var reply contract.Reply
	for _, effect := range effects {
		if r, ok := effect.(escalation.Reply); ok {
			reply = contract.Reply{Outcome: r.Outcome, Text: r.Text, State: s.state.Phase}
			if !s.state.Climbing {
				reply.Silent = workflow.Now(ctx)
			}
			continue
		}
		s.perform(ctx, effect)
	}
	s.show(ctx)
	return reply
}

// write is the recorder: entries in order, with the row as it stands, never in the way of a page. It waits for answers
// that are on their way, so that what belongs together is written together, and leaves to a message what can travel
// along.
func (s *shell) write(ctx workflow.Context) {
	for {
		if err := workflow.Await(ctx, func() bool { return s.pressing(ctx) && s.looking == 0 && s.boarding == 0 }); err != nil {
			return
		}
		s.busy++
		s.writing++
		batch := s.unwritten()
		how := s.note
		if s.certain(batch) {
			how = func(ctx workflow.Context, in contract.Record, summary string) (struct{}, error) {
				return record.look(ctx, s, in, summary)
			}
		}
		_, err := how(ctx, s.recordOf(batch), clip("record "+cmp.Or(batch[0].Entry.Text, "what is due next")))
		if err != nil {
			workflow.GetLogger(ctx).Error("timeline entries were refused", "escalation", s.state.Opening.ID, "entries", len(batch), "error", err)
		}
		s.writing--
		s.busy--
	}
}

// note writes when there is time for it: of what is as urgent, whoever must be called goes first.
func (s *shell) note(ctx workflow.Context, in contract.Record, summary string) (struct{}, error) {
	options := patient(summary)
	options.Priority = temporal.Priority{PriorityKey: min(rank(s.state.Plan.Priority)+2, rank(org.P5))}
	return record.try(ctx, in, options)
}

// pressing: something must be written now. Good news waits for the next entry, but not beyond the end of the run.
func (s *shell) pressing(ctx workflow.Context) bool {
	for _, r := range s.journal {
		if r.Keeping != escalation.Along {
			return true
		}
	}
	return len(s.journal) > 0 && (s.state.Over() || s.crowded(ctx))
}

// unwritten takes from the journal as much as can be handed over at once.
func (s *shell) unwritten() []escalation.Record {
	fit := carried(len(s.journal), func(i int) string { return s.journal[i].Entry.Text })
	batch := s.journal[:fit:fit]
	s.journal = s.journal[fit:]
	return batch
}

// certain: no other order of events would have led to these entries. Only then may they be written by a local activity,
// which acts before the decision is in history.
func (s *shell) certain(batch []escalation.Record) bool {
	return !slices.ContainsFunc(batch, func(r escalation.Record) bool { return r.Keeping != escalation.Certain })
}

func (s *shell) recordOf(batch []escalation.Record) contract.Record {
	entries := make([]escalation.Entry, 0, len(batch))
	for _, r := range batch {
		if r.Entry.Seq > 0 { // else the row alone is to be written
			entries = append(entries, r.Entry)
		}
	}
	return contract.Record{Entries: entries, Summary: s.state.Summary()}
}

// report tells the escalation every step of its vendor, in order. An escalation that is over need not hear.
func (s *shell) report(ctx workflow.Context) {
	for {
		if err := workflow.Await(ctx, func() bool { return len(s.reports) > 0 && s.looking == 0 }); err != nil {
			return
		}
		s.busy++
		fit := carried(len(s.reports), func(i int) string { return s.reports[i].Text })
		batch := s.reports[:fit:fit]
		s.reports = s.reports[fit:]
		parent := contract.EscalationID(s.state.Opening.ID)
		err := workflow.SignalExternalWorkflow(ctx, parent, "", contract.SignalReport, contract.Reports{Reports: batch}).Get(ctx, nil)
		var gone *temporal.UnknownExternalWorkflowExecutionError
		if errors.As(err, &gone) { // ended by an operator, who could not dismiss anybody
			s.apply(ctx, escalation.StoodDown{At: workflow.Now(ctx), Reason: "the escalation is over"})
		}
		if err != nil {
			workflow.GetLogger(ctx).Warn("nobody to report to", "escalation", s.state.Opening.ID, "vendor", batch[0].Vendor, "error", err)
		}
		s.busy--
	}
}

const (
	mostCarried = 200       // entries handed over at once
	mostText    = 128 << 10 // bytes of words in them; JSON makes six times as much of it at worst
)

// carried is how many of so many entries are handed over at once, at least one: Temporal ends a run that hands over more
// than two megabytes.
func carried(entries int, text func(int) string) int {
	words := 0
	for i := range entries {
		if words += len(text(i)); i > 0 && (i == mostCarried || words > mostText) {
			return i
		}
	}
	return entries
}

// attributes are what operators search by.
type attributes struct {
	state    escalation.Phase
	priority org.Priority
	tier     int
}

func (s *shell) attributes() attributes {
	return attributes{state: s.state.Phase, priority: s.state.Plan.Priority, tier: s.state.Tier + 1}
}

// show keeps Temporal's UI readable: details always, search attributes when they change.
func (s *shell) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, s.state.Details())
	now := s.attributes()
	if now == s.shown {
		return
	}
	if s.state.Rules >= 2 && s.state.Over() {
		return // that it is over can be seen from its run
	}
	s.shown = now
	if err := workflow.UpsertTypedSearchAttributes(ctx,
		contract.AttrState.ValueSet(string(now.state)),
		contract.AttrPriority.ValueSet(string(now.priority)),
		contract.AttrTier.ValueSet(int64(now.tier)),
	); err != nil {
		workflow.GetLogger(ctx).Warn("search attributes were refused", "error", err)
	}
}

func temporalAs(err error, target any) bool { return errors.As(err, target) }

// sending bounds a message: what is not with the carrier by then goes another way. A webhook has none, and nobody waits
// for it: it is tried for some minutes.
func sending(e escalation.Send) workflow.ActivityOptions {
	if e.Hook != nil {
		return workflow.ActivityOptions{
			StartToCloseTimeout: 15 * time.Second,
			RetryPolicy: &temporal.RetryPolicy{
				InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute, MaximumAttempts: 12,
			},
		}
	}
	return workflow.ActivityOptions{
		StartToCloseTimeout:    10 * time.Second,
		ScheduleToCloseTimeout: 25 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 4 * time.Second, MaximumAttempts: 4,
		},
	}
}

const abandon = enumspb.PARENT_CLOSE_POLICY_ABANDON

// clip keeps a summary within what a server may one day insist on (400 bytes).
func clip(summary string) string {
	const most = 200
	runes := []rune(summary)
	if len(runes) <= most/2 {
		return summary
	}
	return string(runes[:most/2]) + "…"
}
