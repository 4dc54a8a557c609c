package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/workflows"
)

// night runs one conversation with the real activities over fakes, beside escalations that only listen.
type night struct {
	t       *testing.T
	env     *testsuite.TestWorkflowEnvironment
	open    []id.Escalation // what the engine's index shows
	blind   bool            // the index cannot be asked
	dark    time.Duration   // the inbox is away for that long
	numbers int64
	heard   []string // by escalations, in order
	kept    []contract.Led
	batches []int
}

func newNight(t *testing.T) *night {
	n := &night{t: t, numbers: 900}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	n.env = suite.NewTestWorkflowEnvironment()
	n.env.SetStartTime(threeAM)
	n.env.SetTestTimeout(20 * time.Second)
	n.env.RegisterWorkflowWithOptions(workflows.Conversation, workflow.RegisterOptions{Name: contract.WorkflowConversation})
	n.env.RegisterWorkflowWithOptions(n.listener, workflow.RegisterOptions{Name: contract.WorkflowEscalation})
	doorman := &activities.Doorman{Finder: n, Numbers: n, Opener: n, Inbox: n, Again: time.Millisecond}
	n.env.RegisterActivityWithOptions(doorman.Place, activity.RegisterOptions{Name: contract.ActivityPlace})
	n.env.RegisterActivityWithOptions(doorman.Reconcile, activity.RegisterOptions{Name: contract.ActivityReconcile})
	return n
}

// listener is an escalation that ends when it is resolved, or a day later: the test environment waits for children.
func (n *night) listener(ctx workflow.Context, start contract.Start) error {
	over := false
	n.heard = append(n.heard, fmt.Sprintf("%s opens", start.Opening.ID))
	if start.Ended != nil {
		n.heard = append(n.heard, fmt.Sprintf("%s resolve by %s at once", start.Opening.ID, start.Ended.By))
	}
	day := workflow.NewTimer(ctx, 24*time.Hour)
	for !over && !day.IsReady() {
		workflow.NewSelector(ctx).AddFuture(day, func(workflow.Future) {}).
			AddReceive(workflow.GetSignalChannel(ctx, contract.SignalRepeat), func(c workflow.ReceiveChannel, _ bool) {
				var r contract.Repeat
				c.Receive(ctx, &r)
				n.heard = append(n.heard, fmt.Sprintf("%s repeat ×%d %s", start.Opening.ID, r.Count, r.Severity))
			}).
			AddReceive(workflow.GetSignalChannel(ctx, contract.Acknowledge), func(c workflow.ReceiveChannel, _ bool) {
				var w contract.Word
				c.Receive(ctx, &w)
				n.heard = append(n.heard, fmt.Sprintf("%s acknowledge by %s", start.Opening.ID, w.By))
			}).
			AddReceive(workflow.GetSignalChannel(ctx, contract.Resolve), func(c workflow.ReceiveChannel, _ bool) {
				var w contract.Word
				c.Receive(ctx, &w)
				n.heard = append(n.heard, fmt.Sprintf("%s resolve by %s", start.Opening.ID, w.By))
				over = true
			}).Select(ctx)
	}
	return nil
}

func (n *night) Answering(context.Context, string) ([]id.Escalation, error) {
	if n.blind {
		return nil, fault.New(fault.Unavailable, "no index")
	}
	return slices.Clone(n.open), nil
}

func (n *night) Next(context.Context) (id.Escalation, error) {
	n.numbers++
	return id.OfNumber(n.numbers), nil
}

func (n *night) Opening(e id.Escalation, event contract.Event) (contract.Start, error) {
	n.open = append(n.open, e)
	return contract.Start{Opening: escalation.Opening{
		ID: e, Title: event.Alert.Title, Service: event.Service, ServiceName: "Payments", Plan: policy.Plan{Priority: org.P1},
	}}, nil
}

func (n *night) Reconcile(_ context.Context, r contract.Reconcile) error {
	if n.env.Now().Sub(threeAM) < n.dark {
		return fault.New(fault.Unavailable, "no database")
	}
	n.batches = append(n.batches, len(r.Led))
	n.kept = append(n.kept, r.Led...)
	return nil
}

func (n *night) sends(after time.Duration, action alert.Action, severity alert.Severity, raw ...byte) {
	ident := fmt.Sprintf("%s %s", after, action)
	n.env.RegisterDelayedCallback(func() {
		n.env.SignalWorkflow(contract.SignalEvent, contract.Event{
			Ident: ident, Service: "payments", Raw: raw, ReceivedAt: n.env.Now(),
			Alert: alert.Alert{Action: action, DedupKey: "disk", Title: "disk full", Severity: severity},
		})
	}, after)
}

func (n *night) runs(c contract.Conversation) {
	n.t.Helper()
	c.Hash, c.Service, c.DedupKey = "0123456789abcdef", "payments", "disk"
	n.env.SetStartWorkflowOptions(startOptions(contract.ConversationID(c.Hash)))
	n.env.ExecuteWorkflow(contract.WorkflowConversation, c)
	require.True(n.t, n.env.IsWorkflowCompleted())
}

// led is what was brought to the inbox: "trigger → E-901 (opened) ×2".
func (n *night) led() []string {
	var all []string
	for _, l := range n.kept {
		line := fmt.Sprintf("%s → %s", l.Event.Alert.Action, l.Escalation)
		if l.Start != nil {
			line += " opened"
		}
		if l.Count > 0 {
			line += fmt.Sprintf(" ×%d", l.Count)
		}
		all = append(all, line+l.Note)
	}
	return all
}

func TestInTheDarkOneAlertIsOneEscalationUntilItIsResolved(t *testing.T) {
	n := newNight(t)
	n.dark = time.Minute
	n.sends(0, alert.Trigger, alert.Warning)
	n.sends(time.Second, alert.Trigger, alert.Warning)
	n.sends(1500*time.Millisecond, alert.Trigger, alert.Warning)
	n.sends(5*time.Second, alert.Trigger, alert.Warning)
	n.sends(5500*time.Millisecond, alert.Trigger, alert.Critical)
	n.sends(7*time.Second, alert.Acknowledge, "")
	n.sends(20*time.Second, alert.Resolve, "")
	n.sends(30*time.Second, alert.Trigger, alert.Warning)
	n.runs(contract.Conversation{})
	require.NoError(t, n.env.GetWorkflowError())
	require.Equal(t, []string{
		"E-901 opens", "E-901 repeat ×2 warning", "E-901 repeat ×2 critical", "E-901 acknowledge by monitor",
		"E-901 resolve by monitor", "E-902 opens",
	}, n.heard, "repeats gather, and what is worse is told at once")
	require.Equal(t, []string{
		"trigger → E-901 opened", "trigger → E-901", "trigger → E-901", "trigger → E-901", "trigger → E-901",
		"acknowledge → E-901", "resolve → E-901", "trigger → E-902 opened",
	}, n.led(), "in order, once the inbox is back")
	require.GreaterOrEqual(t, n.env.Now().Sub(threeAM), time.Minute)
}

// Opened first and resolved after, it would call somebody in between for what is over.
func TestWhatIsOverBeforeItCouldBePlacedOpensOver(t *testing.T) {
	n := newNight(t)
	n.sends(0, alert.Trigger, alert.Critical)
	n.sends(0, alert.Resolve, "")
	n.runs(contract.Conversation{})
	require.NoError(t, n.env.GetWorkflowError())
	require.Equal(t, []string{"E-901 opens", "E-901 resolve by monitor at once", "E-901 resolve by monitor"}, n.heard)
	require.Equal(t, []string{"trigger → E-901 opened", "resolve → E-901"}, n.led())
}

func TestADeliveryThatComesTwiceIsHeardOnce(t *testing.T) {
	n := newNight(t)
	n.dark = 10 * time.Second
	n.sends(0, alert.Trigger, alert.Error)
	n.sends(0, alert.Trigger, alert.Error)
	n.runs(contract.Conversation{})
	require.Equal(t, []string{"trigger → E-901 opened"}, n.led())
}

func TestAWordToNothingIsNotedAsThat(t *testing.T) {
	n := newNight(t)
	n.sends(0, alert.Resolve, "")
	n.runs(contract.Conversation{})
	require.Equal(t, []string{"resolve → nothing was open to resolve"}, n.led())
	require.Empty(t, n.heard)
}

func TestWhatWasOpenedWithLightIsJoined(t *testing.T) {
	n := newNight(t)
	n.open = []id.Escalation{"E-7"}
	var said []string
	n.env.OnSignalExternalWorkflow("default-test-namespace", "escalation/E-7", "", mock.Anything, mock.Anything).
		Return(func(_, _, _, name string, _ any) error { said = append(said, name); return nil })
	n.sends(0, alert.Trigger, alert.Error)
	n.runs(contract.Conversation{})
	require.Equal(t, []string{contract.SignalRepeat}, said)
	require.Equal(t, []string{"trigger → E-7"}, n.led())
}

func TestTheSameKeyAfterTheEndIsANewOutage(t *testing.T) {
	n := newNight(t)
	n.open = []id.Escalation{"E-7"} // the index lags behind: it is over
	n.env.OnSignalExternalWorkflow("default-test-namespace", "escalation/E-7", "", mock.Anything, mock.Anything).
		Return(func(_, _, _, _ string, _ any) error { return errors.New("unknown external workflow execution") })
	n.sends(0, alert.Trigger, alert.Error)
	n.runs(contract.Conversation{})
	require.Equal(t, []string{"E-901 opens"}, n.heard)
	require.Equal(t, []string{"trigger → E-901 opened"}, n.led())
}

func TestAnIndexThatCannotBeAskedKeepsNobodyAsleep(t *testing.T) {
	n := newNight(t)
	n.blind = true
	n.sends(0, alert.Trigger, alert.Error)
	n.runs(contract.Conversation{})
	require.Equal(t, []string{"E-901 opens"}, n.heard)
}

func TestAStormOfOneAlertIsCountedNotKept(t *testing.T) {
	n := newNight(t)
	n.dark = time.Hour
	n.sends(0, alert.Trigger, alert.Error, make([]byte, 5000)...)
	for i := range 500 {
		n.sends(time.Duration(i+1)*time.Second, alert.Trigger, alert.Error, make([]byte, 5000)...)
	}
	n.runs(contract.Conversation{})
	require.NoError(t, n.env.GetWorkflowError())
	total, longest := 0, 0
	for i, l := range n.kept {
		total += 1 + l.Count
		if i > 0 {
			longest = max(longest, len(l.Event.Raw))
		}
	}
	require.Equal(t, 501, total)
	require.LessOrEqual(t, len(n.kept), 102)
	require.Zero(t, longest, "only what opened it is kept as it was received")
	require.Len(t, n.kept[0].Event.Raw, 5000)
	require.LessOrEqual(t, slices.Max(n.batches), 50)
}

func TestALongConversationGoesOnAsAnotherRunAndLosesNothing(t *testing.T) {
	n := newNight(t)
	n.dark = time.Hour
	n.sends(0, alert.Trigger, alert.Error)
	n.sends(time.Second, alert.Trigger, alert.Error)
	n.env.RegisterDelayedCallback(func() { n.env.SetContinueAsNewSuggested(true) }, 1500*time.Millisecond)
	n.runs(contract.Conversation{})
	var follows *workflow.ContinueAsNewError
	require.ErrorAs(t, n.env.GetWorkflowError(), &follows)
	var next contract.Conversation
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(follows.Input, &next))
	require.Len(t, next.Carried.Kept, 1)
	require.Len(t, next.Carried.Queue, 1, "a repeat that was still gathering")
	require.Equal(t, id.Escalation("E-901"), next.Carried.Current)

	again := newNight(t)
	again.env.OnSignalExternalWorkflow("default-test-namespace", "escalation/E-901", "", mock.Anything, mock.Anything).
		Return(func(_, _, _, name string, _ any) error { again.heard = append(again.heard, name); return nil })
	again.dark = 3 * time.Second
	again.sends(2*time.Second, alert.Resolve, "")
	again.runs(next)
	require.NoError(t, again.env.GetWorkflowError())
	require.Equal(t, []string{contract.SignalRepeat, contract.Resolve}, again.heard)
	require.Equal(t, []string{"trigger → E-901 opened", "trigger → E-901", "resolve → E-901"}, again.led())
}

func TestWhoOpenedByHandHearsItsNumber(t *testing.T) {
	n := newNight(t)
	n.dark = time.Minute
	n.sends(0, alert.Trigger, alert.Error)
	var placed contract.Placed
	n.env.RegisterDelayedCallback(func() {
		n.env.UpdateWorkflow(contract.UpdatePlaced, "u", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { t.Error(err) },
			OnComplete: func(result any, err error) {
				require.NoError(t, err)
				placed = result.(contract.Placed)
			},
		}, contract.Asked{Ident: "0s trigger"})
	}, 0)
	n.runs(contract.Conversation{})
	require.Equal(t, id.Escalation("E-901"), placed.Escalation)
}
