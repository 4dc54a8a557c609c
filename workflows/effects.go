package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// perform sets one effect going. Its answer comes back as an event.
func (s *shell) perform(ctx workflow.Context, effect escalation.Effect) {
	switch e := effect.(type) {
	case escalation.Record:
		s.journal = append(s.journal, e)
	case escalation.Tell:
		s.reports = append(s.reports, e.Report)
	case escalation.Muster:
		s.question(ctx, func(ctx workflow.Context) { s.muster(ctx, e) })
	case escalation.Reckon:
		s.question(ctx, func(ctx workflow.Context) { s.reckon(ctx, e) })
	case escalation.Compile:
		s.question(ctx, func(ctx workflow.Context) { s.compile(ctx, e) })
	case escalation.Judge:
		s.question(ctx, func(ctx workflow.Context) { s.judge(ctx, e) })
	case escalation.Send:
		boards := s.state.Rules >= 2
		if boards {
			s.boarding++
		}
		s.aside(ctx, func(ctx workflow.Context) { s.send(ctx, e, boards) })
	case escalation.Bar:
		s.aside(ctx, func(ctx workflow.Context) { s.bar(ctx, e) })
	case escalation.Engage:
		s.calling[contract.VendorID(s.state.Opening.ID, e.Vendor, e.Number)] = true
		s.question(ctx, func(ctx workflow.Context) { s.engage(ctx, e) })
	case escalation.Dismiss:
		s.aside(s.lasting, func(ctx workflow.Context) { s.dismiss(ctx, e) })
	case escalation.Show:
		s.journal = append(s.journal, escalation.Record{Key: e.Key})
	case escalation.Reply:
		// answered where the word came in
	}
}

// aside performs an effect beside the others and counts it while it lasts.
func (s *shell) aside(ctx workflow.Context, act func(workflow.Context)) {
	s.busy++
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { s.busy-- }()
		act(ctx)
	})
}

// question performs an effect that begins by looking something up. It counts as looking from now on, so that the
// recorder does not run ahead of it.
func (s *shell) question(ctx workflow.Context, act func(workflow.Context)) {
	early := s.state.Rules >= 2
	if early {
		s.looking++
	}
	s.aside(ctx, func(ctx workflow.Context) {
		if early {
			s.looking-- // look counts it from here
		}
		act(ctx)
	})
}

func (s *shell) muster(ctx workflow.Context, e escalation.Muster) {
	roll, err := muster.look(ctx, s, e.Call, "who is reached in "+e.Call.Tier.Name)
	if err != nil {
		s.failed(ctx, "muster", err)
		return // the machine asks again
	}
	s.apply(ctx, escalation.Mustered{At: workflow.Now(ctx), Key: e.Key, Roll: roll})
}

func (s *shell) reckon(ctx workflow.Context, e escalation.Reckon) {
	answer, err := reckon.look(ctx, s, contract.Reckon{Calendar: e.Calendar, From: e.From, For: e.For}, "when "+string(e.Calendar)+" has counted that long")
	if err != nil {
		s.failed(ctx, "reckon", err)
		return // the machine's guess in wall time stands
	}
	s.apply(ctx, escalation.Reckoned{At: workflow.Now(ctx), Key: e.Key, Due: answer.Due})
}

func (s *shell) judge(ctx workflow.Context, e escalation.Judge) {
	if !s.state.Wants(e) {
		return // a later question asks the same
	}
	verdict, err := judge.look(ctx, s, contract.Judge{Ticket: e.Ticket, Escalation: s.state.Opening.ID, At: workflow.Now(ctx)}, "how ticket "+e.Ticket.String()+" stands")
	if err != nil {
		s.failed(ctx, "judge", err)
		return // what was known counts, and the machine asks again
	}
	s.apply(ctx, escalation.Judged{At: workflow.Now(ctx), Key: e.Key, Verdict: verdict})
}

func (s *shell) compile(ctx workflow.Context, e escalation.Compile) {
	missing := func(final bool) {
		s.apply(ctx, escalation.Unplanned{At: workflow.Now(ctx), Key: e.Key, Final: final})
	}
	plan, err := compile.lookOr(ctx, s, contract.Compile{Revision: e.Revision, Service: e.Service, Kind: e.Kind, Priority: e.Priority},
		"the ladder for "+string(e.Priority), func() { missing(false) })
	if temporal.IsCanceledError(err) {
		return
	}
	if err != nil {
		s.failed(ctx, "compile", err)
		missing(true)
		return
	}
	s.apply(ctx, escalation.Planned{At: workflow.Now(ctx), Key: e.Key, Plan: plan})
}

// send asks the state once more, and until the message has left: nobody is told of what somebody has taken meanwhile.
// Where it boards, it takes along what is not written yet: the message is an activity anyhow, and one more for the
// entries would cost as much history again. It does not while earlier entries are being written: it would overtake them.
func (s *shell) send(ctx workflow.Context, e escalation.Send, boards bool) {
	if boards {
		s.boarding--
	}
	if !s.state.Wants(e) {
		s.withdrawn(ctx, e)
		return
	}
	var along []escalation.Record
	if boards && s.writing == 0 {
		along = s.unwritten()
	}
	options := sending(e)
	options.Summary = fmt.Sprintf("%s %s, %s", e.Channel, e.Name, e.Brief.Tier)
	options.Priority = temporal.Priority{PriorityKey: rank(e.Brief.Priority)}
	options.WaitForCancellation = true // a message that has left is told of, also when it is not wanted any more
	leaving, withdraw := workflow.WithCancel(ctx)
	s.leaving = append(s.leaving, departure{key: e.Key, page: e.Purpose == page.Page, withdraw: withdraw})
	message := contract.Send{
		Key: e.Key, Purpose: e.Purpose, Person: e.Person, Method: e.Method, Brief: e.Brief, Hook: e.Hook,
		Workflow: workflow.GetInfo(ctx).WorkflowExecution.ID, At: workflow.Now(ctx),
	}
	if len(along) > 0 {
		carrying := s.recordOf(along)
		message.Record = &carrying
		s.writing++
	}
	sent, err := send.try(leaving, message, options)
	if len(along) > 0 {
		s.writing--
	}
	if err != nil || !sent.Recorded {
		s.journal = append(along, s.journal...)
	}
	receipt := sent.Receipt
	s.leaving = slices.DeleteFunc(s.leaving, func(d departure) bool { return d.key == e.Key })
	withdraw() // a context that is left behind is kept for ever
	switch {
	case temporal.IsCanceledError(err) && ctx.Err() != nil:
		return
	case temporal.IsCanceledError(err):
		s.withdrawn(ctx, e)
		return
	case err != nil:
		s.failed(ctx, "send", err)
		receipt = page.Receipt{Key: e.Key, Status: page.Failed, Class: page.Dead, Reason: "the carrier could not be reached", At: workflow.Now(ctx)}
	}
	s.apply(ctx, escalation.Reported{At: workflow.Now(ctx), Receipt: receipt})
}

// departure is a message that may not have left yet.
type departure struct {
	key      string
	page     bool
	withdraw workflow.CancelFunc
}

// hold withdraws the pages that have not left when nobody is to be paged any more.
func (s *shell) hold() {
	if s.state.Climbing {
		return
	}
	for _, d := range s.leaving {
		if d.page {
			d.withdraw()
		}
	}
}

// withdrawn says of a message, whose sending is on record as decided, that it never left.
func (s *shell) withdrawn(ctx workflow.Context, e escalation.Send) {
	s.apply(ctx, escalation.Reported{At: workflow.Now(ctx), Receipt: page.Overtaken(e.Key, workflow.Now(ctx))})
}

// rank is a priority as Temporal counts them: 1 before 5.
func rank(p org.Priority) int {
	for i, known := range org.Priorities() {
		if known == p {
			return i + 1
		}
	}
	return len(org.Priorities())
}

func (s *shell) bar(ctx workflow.Context, e escalation.Bar) {
	options := sending(escalation.Send{})
	options.Summary = "bar " + string(e.Person) + "'s " + string(e.Method)
	if _, err := bar.try(ctx, contract.Bar{Person: e.Person, Method: e.Method, Reason: e.Reason}, options); err != nil {
		s.failed(ctx, "bar", err)
	}
}

// engage starts the vendor's own run. The escalation does not wait for it.
func (s *shell) engage(ctx workflow.Context, e escalation.Engage) {
	run := contract.VendorID(s.state.Opening.ID, e.Vendor, e.Number)
	defer delete(s.calling, run)
	opening, err := engage.look(ctx, s, contract.Engage{Parent: s.state.Summary(), Vendor: e.Vendor, Number: e.Number}, "the ladder of vendor "+e.Name)
	if err == nil && s.state.Wants(e) {
		opening.Rules = s.state.Rules // whoever runs us can run it
		child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID: run, WorkflowTaskTimeout: contract.TaskTimeout, ParentClosePolicy: abandon, StaticSummary: "vendor " + e.Name,
			TypedSearchAttributes: temporal.NewSearchAttributes(
				contract.AttrService.ValueSet(string(opening.Service)), contract.AttrPriority.ValueSet(string(opening.Plan.Priority)),
				contract.AttrState.ValueSet(string(escalation.Open)), contract.AttrUnit.ValueSet(string(opening.Unit)), contract.AttrTier.ValueSet(1)),
		})
		err = workflow.ExecuteChildWorkflow(child, contract.WorkflowVendor, contract.Start{Opening: opening}).GetChildWorkflowExecution().Get(ctx, nil)
	}
	if err == nil || temporal.IsCanceledError(err) {
		return
	}
	s.failed(ctx, "engage", err)
	s.apply(ctx, escalation.VendorReported{At: workflow.Now(ctx), Report: escalation.Report{
		Vendor: e.Vendor, Name: e.Name, Number: e.Number, Seq: 1, Kind: escalation.EntryWarning,
		Text: "cannot be called in", State: escalation.Closed, Silent: true, At: workflow.Now(ctx),
	}})
}

// dismiss ends a vendor's run, once it has begun.
func (s *shell) dismiss(ctx workflow.Context, e escalation.Dismiss) {
	run := contract.VendorID(s.state.Opening.ID, e.Vendor, e.Number)
	_ = workflow.Await(ctx, func() bool { return !s.calling[run] })
	err := workflow.SignalExternalWorkflow(ctx, run, "", contract.SignalStandDown, contract.StandDown{Reason: e.Reason}).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Info("the vendor's run is over already", "run", run)
	}
}

func (s *shell) failed(ctx workflow.Context, what string, err error) {
	if !temporal.IsCanceledError(err) {
		workflow.GetLogger(ctx).Error("an effect failed", "effect", what, "escalation", s.state.Opening.ID, "error", err)
	}
}
