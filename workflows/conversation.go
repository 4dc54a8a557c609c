package workflows

import (
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/org"
)

var (
	place     verb[contract.Place, contract.Found] = asking(contract.ActivityPlace, (*activities.Doorman).Place)
	reconcile verb[contract.Reconcile, struct{}]   = telling(contract.ActivityReconcile, (*activities.Doorman).Reconcile)
)

const (
	repeatsEvery   = 3 * time.Second // as the inbox tells them
	mostKept       = 100             // events kept one by one; further repeats are counted
	mostHeld       = 300             // with words between them; then only what opened something
	mostReconciled = 50              // events brought to the inbox at once
	mostRawKept    = 4 << 10         // bytes as received, of an event that opened nothing
	mostRemembered = 200             // deliveries
)

// Conversation stands in for the inbox, for one service and dedup key, while our records are away: it opens one
// escalation, hands the monitor's further words to it, and brings all of it to the inbox when that is back. It holds
// no clock and no person.
func Conversation(ctx workflow.Context, c contract.Conversation) error {
	t := &talk{given: c}
	if c.Carried != nil {
		t.Talk = *c.Carried
	}
	var bringing workflow.Context
	bringing, t.stop = workflow.WithCancel(ctx)
	workflow.Go(ctx, t.listen)
	workflow.Go(bringing, t.bring)
	if err := workflow.SetUpdateHandler(ctx, contract.UpdatePlaced, t.placed); err != nil {
		return err
	}
	return t.run(ctx)
}

type talk struct {
	contract.Talk
	given   contract.Conversation
	told    time.Time // when repeats were last told
	placing bool      // an event is being placed
	busy    int       // of Kept, how many are on their way to the inbox
	leaving bool      // the run is about to be followed by another
	stop    workflow.CancelFunc
}

// run places one event after the other, until everything is on record.
func (t *talk) run(ctx workflow.Context) error {
	for {
		t.drain(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case t.crowded(ctx):
			return t.follow(ctx)
		case len(t.Queue) > 0:
			if !t.rest(ctx) {
				continue
			}
			t.placing = true
			t.hear(ctx)
			t.placing = false
			continue
		case len(t.Kept) == 0 && workflow.AllHandlersFinished(ctx):
			return nil
		}
		_ = workflow.Await(ctx, func() bool {
			return len(t.Queue) > 0 || t.crowded(ctx) || len(t.Kept) == 0 && workflow.AllHandlersFinished(ctx)
		})
	}
}

// listen takes what is handed over.
func (t *talk) listen(ctx workflow.Context) {
	events := workflow.GetSignalChannel(ctx, contract.SignalEvent)
	for {
		var e contract.Event
		if !events.Receive(ctx, &e) || ctx.Err() != nil {
			return
		}
		t.take(e)
	}
}

// drain takes what has arrived: a signal that is not taken before a run ends is lost.
func (t *talk) drain(ctx workflow.Context) {
	events := workflow.GetSignalChannel(ctx, contract.SignalEvent)
	for {
		var e contract.Event
		if !events.ReceiveAsync(&e) {
			return
		}
		t.take(e)
	}
}

// take queues an event; a delivery that came before is the same one.
func (t *talk) take(e contract.Event) {
	if slices.Contains(t.Heard, contract.Asked{Ident: e.Ident}) {
		return
	}
	t.Heard = append(t.Heard, contract.Asked{Ident: e.Ident})
	if len(t.Heard) > mostRemembered {
		t.Heard = t.Heard[1:]
	}
	t.Queue = append(t.Queue, e)
}

// placed answers what became of an event.
func (t *talk) placed(ctx workflow.Context, asked contract.Asked) (contract.Placed, error) {
	var found contract.Placed
	known := func() bool {
		at := slices.IndexFunc(t.Led, func(p contract.Placed) bool { return p.Ident == asked.Ident })
		if at >= 0 {
			found = t.Led[at]
		}
		return at >= 0
	}
	err := workflow.Await(ctx, func() bool { return known() || t.leaving })
	if err == nil && found.Ident == "" {
		err = temporal.NewApplicationError("not placed yet", "unavailable")
	}
	return found, err
}

// rest lets repeats gather: the escalation hears of them now and then, and at once when it gets worse. It reports whether
// the queue is due.
func (t *talk) rest(ctx workflow.Context) bool {
	left := t.told.Add(repeatsEvery).Sub(workflow.Now(ctx))
	pressing := func() bool {
		return t.Current == "" || slices.ContainsFunc(t.Queue, func(e contract.Event) bool {
			return e.Alert.Action != alert.Trigger || e.Alert.Severity.WorseThan(t.Worst)
		})
	}
	if left <= 0 || pressing() {
		return true
	}
	_, _ = workflow.AwaitWithTimeout(ctx, left, func() bool { return pressing() || t.crowded(ctx) })
	return false
}

// hear places what is first in the queue, with the repeats that follow it.
func (t *talk) hear(ctx workflow.Context) {
	first := t.Queue[0]
	if t.Current == "" {
		t.find(ctx, first)
		return
	}
	if first.Alert.Action != alert.Trigger {
		t.address(ctx, first)
		return
	}
	batch := 1
	for batch < len(t.Queue) && t.Queue[batch].Alert.Action == alert.Trigger {
		batch++
	}
	t.repeat(ctx, batch)
}

// find asks for the escalation that the event is about, and opens one if there is none.
func (t *talk) find(ctx workflow.Context, e contract.Event) {
	asked := contract.Place{Hash: t.given.Hash, Event: e, Not: t.Over}
	found, err := place.try(ctx, asked, placing())
	if err != nil && !temporal.IsCanceledError(err) {
		asked.Blind = true // a second escalation for one alert is better than none
		found, err = place.insist(ctx, asked, "open without having looked")
	}
	switch {
	case temporal.IsCanceledError(err):
		return
	case err != nil && !final(err):
		_ = workflow.Sleep(ctx, time.Second)
		return
	case err != nil:
		workflow.GetLogger(ctx).Error("an event could not be placed", "conversation", t.given.Hash, "error", err)
		t.keep(contract.Led{Event: e, Note: "it could not be placed"})
	case found.Open != "":
		t.Current, t.Worst = found.Open, ""
		return // it is heard again, with somebody to address
	case found.Start == nil:
		t.keep(contract.Led{Event: e, Note: "nothing was open to " + string(e.Alert.Action)})
	case !t.open(ctx, t.passed(*found.Start)):
		return // the number was taken: another is drawn
	default:
		t.Current, t.Worst = found.Start.Opening.ID, e.Alert.Severity
		t.told = workflow.Now(ctx)
		t.keep(contract.Led{Event: e, Escalation: t.Current, Start: found.Start})
	}
	t.Queue = t.Queue[1:]
}

func placing() workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: 8 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumAttempts: 4},
		Summary:             "which escalation this is about",
		Priority:            temporal.Priority{PriorityKey: rank(org.P1)}, // nobody has been called yet
	}
}

// passed hands the end over together with the opening, when the monitor has said both by now: opened first and resolved
// after, it would call somebody for what is over.
func (t *talk) passed(start contract.Start) contract.Start {
	for _, e := range t.Queue {
		if e.Alert.Action == alert.Resolve {
			word := t.end(e)
			start.Ended = &word
			break
		}
	}
	return start
}

// end is the same word whenever it is said: an escalation that was opened over hears it a second time in its turn.
func (t *talk) end(e contract.Event) contract.Word {
	return contract.Word{
		By: "monitor", Via: "events", At: e.ReceivedAt,
		Key: fmt.Sprintf("dark/%s/%d/end", t.given.Hash[:min(8, len(t.given.Hash))], e.ReceivedAt.UnixMicro()),
	}
}

// open starts the escalation. It outlives the conversation.
func (t *talk) open(ctx workflow.Context, start contract.Start) bool {
	o := start.Opening
	found := []temporal.SearchAttributeUpdate{
		contract.AttrState.ValueSet("open"), contract.AttrService.ValueSet(string(o.Service)),
		contract.AttrPriority.ValueSet(string(o.Plan.Priority)), contract.AttrTier.ValueSet(1),
		contract.AttrConversation.ValueSet(start.Conversation),
	}
	if o.Unit != "" {
		found = append(found, contract.AttrUnit.ValueSet(string(o.Unit)))
	}
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: contract.EscalationID(o.ID), WorkflowTaskTimeout: contract.TaskTimeout, ParentClosePolicy: abandon, StaticSummary: string(o.Plan.Priority) + " " + o.ServiceName,
		WorkflowIDReusePolicy: rejectDuplicate, TypedSearchAttributes: temporal.NewSearchAttributes(found...),
		Priority: temporal.Priority{PriorityKey: rank(o.Plan.Priority)},
	})
	err := workflow.ExecuteChildWorkflow(child, contract.WorkflowEscalation, start).GetChildWorkflowExecution().Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Error("an escalation was not opened", "escalation", o.ID, "error", err)
		_ = workflow.Sleep(ctx, time.Second)
	}
	return err == nil
}

// repeat tells the escalation that the monitor fired again, so many times.
func (t *talk) repeat(ctx workflow.Context, batch int) {
	last, worst := t.Queue[batch-1], t.Queue[0].Alert.Severity
	for _, e := range t.Queue[:batch] {
		if e.Alert.Severity.WorseThan(worst) {
			worst = e.Alert.Severity
		}
	}
	t.told = workflow.Now(ctx)
	if !t.say(ctx, contract.SignalRepeat, contract.Repeat{Key: t.key(), Count: batch, Severity: worst, At: last.ReceivedAt}) {
		return
	}
	if t.Worst == "" || worst.WorseThan(t.Worst) {
		t.Worst = worst
	}
	for _, e := range t.Queue[:batch] {
		t.keep(contract.Led{Event: e, Escalation: t.Current})
	}
	t.Queue = t.Queue[batch:]
}

// address hands the monitor's word over. A resolve ends the alert: the same key afterwards is a new one.
func (t *talk) address(ctx workflow.Context, e contract.Event) {
	name, word := contract.Acknowledge, contract.Word{By: "monitor", Via: "events", Key: t.key(), At: e.ReceivedAt}
	if e.Alert.Action == alert.Resolve {
		name, word = contract.Resolve, t.end(e)
	}
	if !t.say(ctx, name, word) {
		return
	}
	t.keep(contract.Led{Event: e, Escalation: t.Current})
	t.Queue = t.Queue[1:]
	if name == contract.Resolve {
		t.over()
	}
}

// say tells the escalation something. One that is over has ended the alert: what was to be said is placed anew.
func (t *talk) say(ctx workflow.Context, name string, payload any) bool {
	err := workflow.SignalExternalWorkflow(ctx, contract.EscalationID(t.Current), "", name, payload).Get(ctx, nil)
	if err != nil && !temporal.IsCanceledError(err) {
		workflow.GetLogger(ctx).Info("the escalation is over", "escalation", t.Current, "error", err)
		t.over()
	}
	return err == nil
}

func (t *talk) over() {
	t.Over = append(t.Over, t.Current)
	t.Current, t.Worst = "", ""
}

// key names a word to the escalation: no conversation and no run of it has said another with this key.
func (t *talk) key() string {
	t.Said++
	return fmt.Sprintf("dark/%s/%d/%d", t.given.Hash[:min(8, len(t.given.Hash))], t.Queue[0].ReceivedAt.UnixMicro(), t.Said)
}

// keep notes what an event led to, for the inbox.
func (t *talk) keep(led contract.Led) {
	t.Led = append(t.Led, contract.Placed{Ident: led.Event.Ident, Escalation: led.Escalation})
	if len(t.Led) > mostRemembered {
		t.Led = t.Led[1:]
	}
	if led.Start == nil && len(led.Event.Raw) > mostRawKept {
		led.Event.Raw, led.Event.Alert.Details = nil, nil
	}
	if led.Start == nil && len(t.Kept) >= mostHeld {
		return // a run is carried on in one piece, and that has a limit; the escalation itself is on record all the same
	}
	last := len(t.Kept) - 1
	if last >= max(mostKept, t.busy) && t.same(t.Kept[last], led) {
		t.Kept[last].Count++
		return
	}
	t.Kept = append(t.Kept, led)
}

// same: two repeats of one alert, of which the second need only be counted.
func (t *talk) same(a, b contract.Led) bool {
	return b.Start == nil && a.Escalation == b.Escalation && a.Event.Alert.Action == alert.Trigger && b.Event.Alert.Action == alert.Trigger
}

// bring takes what was kept to the inbox, in order, however long it is away.
func (t *talk) bring(ctx workflow.Context) {
	for {
		if err := workflow.Await(ctx, func() bool { return len(t.Kept) > 0 && !t.placing }); err != nil {
			return
		}
		t.busy = min(len(t.Kept), mostReconciled)
		_, err := reconcile.try(ctx, contract.Reconcile{
			Hash: t.given.Hash, Service: t.given.Service, DedupKey: t.given.DedupKey, Led: slices.Clone(t.Kept[:t.busy]),
		}, bringing(t.busy))
		switch {
		case temporal.IsCanceledError(err):
			return
		case err != nil && !final(err):
			t.busy = 0
			_ = workflow.Sleep(ctx, 10*time.Second) // a cancellation is seen by the next wait
			continue
		case err != nil:
			workflow.GetLogger(ctx).Error("the inbox refused what was taken without it", "conversation", t.given.Hash, "error", err)
		}
		t.Kept = t.Kept[t.busy:]
		t.busy = 0
	}
}

func bringing(events int) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: 20 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1.5, MaximumInterval: 10 * time.Second},
		Summary:             fmt.Sprintf("%d events to the inbox", events),
		Priority:            temporal.Priority{PriorityKey: rank(org.P5)}, // all of it has been told
	}
}

func (t *talk) crowded(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

// follow goes on as a new run with all that is not done. What is on its way to the inbox is brought again: that is once.
func (t *talk) follow(ctx workflow.Context) error {
	t.stop()
	t.leaving = true
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	t.drain(ctx)
	next := t.given
	next.Carried = &t.Talk
	return workflow.NewContinueAsNewError(ctx, contract.WorkflowConversation, next)
}

// rejectDuplicate: a number that was ever used is not used again.
const rejectDuplicate = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
