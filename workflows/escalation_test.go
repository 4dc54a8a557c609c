package workflows_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

type converterArgs = converter.EncodedValues

func startOptions(run string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: run, TaskQueue: contract.QueueEscalations}
}

func word(by id.Person, key string) contract.Word {
	return contract.Word{By: by, Via: "api", Key: key}
}

func TestAckByUpdateStopsTheLadder(t *testing.T) {
	h := newHouse(t)
	var ack, second contract.Reply
	h.says(6*time.Second, contract.Acknowledge, word("ben", "k1"), &ack)
	h.says(20*time.Second, contract.Acknowledge, word("ana", "k2"), &second)
	h.says(30*time.Second, contract.Resolve, word("ben", "k3"), nil)
	h.run()
	require.NoError(t, h.env.GetWorkflowError())
	require.Equal(t, []string{"+0s ana sms", "+3s ana voice", "+5s ben sms", "+6s ana email inform", "+30s ana email inform"}, h.told)
	require.Equal(t, escalation.Done, ack.Outcome)
	require.Contains(t, ack.Text, "You have E-42")
	require.False(t, ack.Silent.IsZero(), "from here on nobody is paged")
	require.Equal(t, escalation.Already, second.Outcome)
	require.Equal(t, "Ben Fischer has had E-42 since 03:00 UTC.", second.Text)
	require.Equal(t, escalation.Closed, h.summary.State)
	require.Equal(t, []string{"Ben Fischer has it"}, h.texts(escalation.EntryAcknowledged))
}

func TestAckInTheFirstTaskIsNotLost(t *testing.T) {
	h := newHouse(t)
	h.at(0, func() { h.env.SignalWorkflow(contract.Acknowledge, word("ana", "k1")) })
	h.says(time.Minute, contract.Resolve, word("ana", "k2"), nil)
	h.run()
	require.NoError(t, h.env.GetWorkflowError())
	require.Equal(t, []string{"Ana Pérez has it"}, normalised(h.texts(escalation.EntryAcknowledged)))
	require.LessOrEqual(t, len(h.told), 1, "told: %v", h.told)
}

func TestWhatOpensOverCallsNobody(t *testing.T) {
	h := newHouse(t)
	end := word("monitor", "k1")
	h.ended = &end
	h.at(time.Second, func() { h.env.SignalWorkflow(contract.Resolve, end) }) // said again in its turn
	h.run()
	require.NoError(t, h.env.GetWorkflowError())
	require.Empty(t, h.told)
	require.Equal(t, escalation.Closed, h.summary.State)
	require.Len(t, h.texts(escalation.EntryResolved), 1)
}

// An ack that comes before anybody was told finds no name to call its author by.
func normalised(texts []string) []string {
	for i, text := range texts {
		if text == "ana has it" {
			texts[i] = "Ana Pérez has it"
		}
	}
	return texts
}

func TestTheSameKeyBySignalAndByUpdateIsOneAck(t *testing.T) {
	h := newHouse(t)
	var late contract.Reply
	h.at(time.Second, func() { h.env.SignalWorkflow(contract.Acknowledge, word("ana", "SM1")) })
	h.says(2*time.Second, contract.Acknowledge, word("ana", "SM1"), &late)
	h.says(10*time.Second, contract.Resolve, word("ana", "k2"), nil)
	h.run()
	require.Len(t, h.texts(escalation.EntryAcknowledged), 1)
	require.Equal(t, escalation.Done, late.Outcome, "the second delivery hears the first answer")
	require.Contains(t, late.Text, "You have E-42")
}

func TestSilenceCallsVendorsThatRunOnTheirOwn(t *testing.T) {
	h := newHouse(t)
	h.says(13*time.Second, contract.Acknowledge, word("eva", "k1"), nil)
	h.says(40*time.Second, contract.Resolve, word("eva", "k2"), nil)
	h.run()
	require.NoError(t, h.env.GetWorkflowError())
	require.ElementsMatch(t, []string{"vendor/E-42/nimbus/1", "vendor/E-42/acquire/1"}, h.children)
	require.Contains(t, h.told, "+10s nimbus-noc sms")
	require.Contains(t, h.told, "+10s acquire-desk email")
	require.Contains(t, h.told, "+15s eva sms inform", "our owner hears that the vendor is silent: %v", h.told)
	entries := h.texts(escalation.EntryVendor)
	require.Contains(t, entries, "Nimbus Cloud: Nimbus duty engineer paged by sms (mobile)")
	require.Contains(t, entries, "Nimbus Cloud: promised to acknowledge within 5 seconds and has not")
	require.Contains(t, entries, "Acquire: stood down: resolved by Eva Lindqvist")
}

func TestACarrierThatCannotBeReachedIsAFailedReceipt(t *testing.T) {
	h := newHouse(t)
	h.carrier = func(m page.Message) (page.Receipt, error) {
		if m.Channel == org.SMS && m.Person == "ana" {
			return page.Receipt{}, fault.New(fault.Unavailable, "connection refused")
		}
		return page.Receipt{Status: page.Delivered, Class: page.Arrived}, nil
	}
	h.says(4*time.Second, contract.Acknowledge, word("ana", "k1"), nil)
	h.says(60*time.Second, contract.Resolve, word("ana", "k2"), nil)
	h.run()
	require.NoError(t, h.env.GetWorkflowError())
	require.Contains(t, h.told, "+3s ana voice")
}

// A carrier that refuses for a while is tried again; by then somebody may have it, and the page would wake them for
// nothing.
func TestAPageThatIsStillBeingTriedIsWithdrawnByAnAck(t *testing.T) {
	for _, verb := range []string{contract.Acknowledge, contract.Resolve} {
		t.Run(verb, func(t *testing.T) {
			h := newHouse(t)
			tried := 0
			h.carrier = func(page.Message) (page.Receipt, error) {
				tried++
				if h.env.Now().Sub(h.started) < time.Second {
					return page.Receipt{}, fault.New(fault.Unavailable, "connection refused")
				}
				return page.Receipt{Status: page.Delivered, Class: page.Arrived}, nil
			}
			h.says(200*time.Millisecond, verb, word("ben", "k1"), nil)
			h.says(60*time.Second, contract.Resolve, word("ben", "k2"), nil)
			h.run()
			require.NoError(t, h.env.GetWorkflowError())
			require.Positive(t, tried)
			for _, line := range h.told {
				require.Contains(t, line, "inform", "paged after somebody had it")
			}
			require.Contains(t, h.texts(escalation.EntryReceipt), "sms to Ana Pérez (mobile): failed, not sent: it was answered before it could leave")
		})
	}
}

func TestALateReceiptBySignalMovesOn(t *testing.T) {
	h := newHouse(t)
	h.at(time.Second, func() {
		h.env.SignalWorkflow(contract.SignalReceipt, page.Receipt{Key: h.key("ana"), Status: page.Undelivered, Class: page.Dead, Code: "30034", Provider: "twilio"})
	})
	h.says(2*time.Second, contract.Resolve, word("ana", "k2"), nil)
	h.run()
	require.Equal(t, []string{"+0s ana sms", "+1s ana voice"}, h.told)
}

func (h *house) key(person string) string {
	for key := range h.keys {
		if key[:len("E-42/t1/"+person)] == "E-42/t1/"+person {
			return key
		}
	}
	h.t.Fatalf("nobody told %s yet", person)
	return ""
}

func TestAWorseSeverityRaisesThePriorityAndPagesAgain(t *testing.T) {
	h := newHouse(t)
	h.directory.Org.Services["payments"] = org.Service{ID: "payments", Name: "Payments", Owner: "payments", Impact: 2}
	h.says(time.Second, contract.Acknowledge, word("ana", "k1"), nil)
	h.at(10*time.Second, func() {
		h.env.SignalWorkflow(contract.SignalRepeat, contract.Repeat{Key: "r1", Count: 3, Severity: alert.Critical})
	})
	h.says(12*time.Second, contract.Acknowledge, word("ana", "k2"), nil)
	h.says(13*time.Second, contract.Resolve, word("ana", "k3"), nil)
	h.run()
	require.Equal(t, []string{"+0s ana sms", "+10s ana sms"}, h.told)
}

// The revision it was opened under may be out of reach, for a while or for good: whoever has it hears all the same that
// it got worse.
func TestAWorseSeverityIsHeardWithoutTheRevision(t *testing.T) {
	for name, c := range map[string]struct {
		lost func(since time.Duration) error
		warn bool
		told []string
	}{
		"it is gone": {warn: true, told: []string{"+0s ana sms", "+10s ana sms"}, lost: func(time.Duration) error {
			return temporal.NewNonRetryableApplicationError("no such revision", string(fault.NotFound), nil)
		}},
		"the database is away": {told: []string{"+0s ana sms", "+10s ana sms"}, lost: func(since time.Duration) error {
			if since < time.Hour {
				return fault.New(fault.Unavailable, "no database")
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			opening := h.opening()
			opening.Impact, opening.Plan.Priority = 1, org.P2
			h.lost = func() error { return c.lost(h.env.Now().Sub(h.started)) }
			h.says(time.Second, contract.Acknowledge, word("ana", "k1"), nil)
			h.at(10*time.Second, func() {
				h.env.SignalWorkflow(contract.SignalRepeat, contract.Repeat{Key: "r1", Count: 1, Severity: alert.Critical})
			})
			h.says(13*time.Second, contract.Resolve, word("ana", "k3"), nil)
			h.env.SetStartWorkflowOptions(startOptions(contract.EscalationID("E-42")))
			h.env.ExecuteWorkflow(contract.WorkflowEscalation, contract.Start{Opening: opening})
			require.Equal(t, c.told, h.told)
			said := slices.Contains(h.texts(escalation.EntryWarning), "the ladder of the new priority cannot be found: the present one stays")
			require.Equal(t, c.warn, said)
		})
	}
}

// Signals of different names are taken in the order of their names, not in that in which they came: after an outage of
// the workers a resolve is heard before the repeat that came before it.
func TestWhatIsHeardOfLateIsTakenInTheOrderInWhichItWasSaid(t *testing.T) {
	h := newHouse(t)
	h.says(time.Second, contract.Acknowledge, word("ana", "k1"), nil)
	h.at(10*time.Second, func() {
		resolve := word("monitor", "inbox/9")
		resolve.At = threeAM.Add(5 * time.Second)
		h.env.SignalWorkflow(contract.Resolve, resolve)
		h.env.SignalWorkflow(contract.SignalRepeat, contract.Repeat{Key: "r1", Count: 1, Severity: alert.Error, At: threeAM.Add(4 * time.Second)})
	})
	h.says(3*time.Hour, contract.Resolve, word("ana", "k2"), nil)
	h.run()
	require.NoError(t, h.env.GetWorkflowError())
	require.Empty(t, h.texts(escalation.EntryReopened))
	require.Equal(t, escalation.Closed, h.summary.State)
}

func TestADarkDatabaseHoldsNoPageAndLosesNoEntry(t *testing.T) {
	h := newHouse(t)
	h.dark = 5
	h.says(6*time.Second, contract.Acknowledge, word("ben", "k1"), nil)
	h.says(200*time.Second, contract.Resolve, word("ben", "k2"), nil)
	h.run()
	require.NoError(t, h.env.GetWorkflowError())
	require.Equal(t, []string{"+0s ana sms", "+3s ana voice", "+5s ben sms"}, h.told[:3])
	require.Equal(t, []string{"Ben Fischer has it"}, h.texts(escalation.EntryAcknowledged))
}

// While the database is away entries pile up. Temporal ends a run that hands over more than two megabytes at once.
func TestWhatPiledUpIsWrittenInPiecesThatTemporalCarries(t *testing.T) {
	h := newHouse(t)
	h.dark = 5
	for i := range 300 {
		h.at(time.Second, func() {
			h.env.SignalWorkflow(contract.Note, contract.Word{By: "ana", Via: "signal", Key: fmt.Sprint("n", i), Note: strings.Repeat("\U0001F525", 4000)})
		})
	}
	h.says(200*time.Second, contract.Resolve, word("ana", "k2"), nil)
	h.run()
	require.NoError(t, h.env.GetWorkflowError())
	require.Len(t, h.texts(escalation.EntryNoted), 300, "nothing is lost or out of order")
	require.Less(t, h.largest, 1<<20)
}

func TestAVendorGoesHomeWhenItsEscalationIsGone(t *testing.T) {
	h := newHouse(t)
	h.env.OnSignalExternalWorkflow(mock.Anything, contract.EscalationID("E-42"), mock.Anything, contract.SignalReport, mock.Anything).
		Return(&temporal.UnknownExternalWorkflowExecutionError{})
	parent := escalation.Summary{ID: "E-42", Service: "payments", Priority: org.P1}
	opening, err := escalation.Engaging(h.directory.Revision, h.directory.Org, parent, "nimbus", 1, threeAM)
	require.NoError(t, err)
	h.at(24*time.Hour, h.env.CancelWorkflow) // or it would call them for ever
	h.env.SetStartWorkflowOptions(startOptions(contract.VendorID("E-42", "nimbus", 1)))
	h.env.ExecuteWorkflow(contract.WorkflowVendor, contract.Start{Opening: opening})
	require.NoError(t, h.env.GetWorkflowError())
	require.LessOrEqual(t, len(h.told), 1, "called after an operator ended the escalation: %v", h.told)
}

func TestTheNextRunGoesOnWhereTheFirstStood(t *testing.T) {
	h := newHouse(t)
	h.at(4*time.Second, func() {
		for i := range 500 { // a flood while the run is being handed over: not one may be lost
			h.env.SignalWorkflow(contract.Note, contract.Word{By: "ana", Via: "signal", Key: fmt.Sprint("n", i), Note: fmt.Sprint("note ", i)})
		}
	})
	h.at(4*time.Second+time.Millisecond, func() { h.env.SetContinueAsNewSuggested(true) })
	h.run()
	var next *workflow.ContinueAsNewError
	require.True(t, errors.As(h.env.GetWorkflowError(), &next), "got %v", h.env.GetWorkflowError())
	var carried contract.Start
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &carried))
	require.NotNil(t, carried.Carried)
	require.Len(t, h.texts(escalation.EntryNoted), 500)

	second := newHouse(t)
	second.started = threeAM
	second.env.SetStartTime(threeAM.Add(4 * time.Second))
	second.says(4500*time.Millisecond, contract.Acknowledge, word("ben", "k1"), nil)
	second.says(5*time.Second, contract.Resolve, word("ben", "k2"), nil)
	second.env.SetStartWorkflowOptions(startOptions(contract.EscalationID("E-42")))
	second.env.ExecuteWorkflow(contract.WorkflowEscalation, carried)
	require.NoError(t, second.env.GetWorkflowError())
	require.Equal(t, []string{"+5s ben sms", "+8s ben email"}, second.told[:2], "the ladder goes on at its own instants")
	require.Equal(t, h.journal[len(h.journal)-1].Seq+1, second.journal[0].Seq, "the timeline goes on without a gap")
}

func TestACancelledRunIsWrittenDown(t *testing.T) {
	h := newHouse(t)
	h.at(2*time.Second, h.env.CancelWorkflow)
	h.run()
	require.ErrorContains(t, h.env.GetWorkflowError(), "canceled")
	require.Equal(t, []string{"resolved by operator"}, h.texts(escalation.EntryResolved))
	require.Equal(t, escalation.Closed, h.summary.State, "nobody is left who could open it again")
	require.Equal(t, []string{"+0s ana sms", "+2s ana email inform"}, h.told)
}

func TestAWordWithoutAnAuthorIsRefused(t *testing.T) {
	h := newHouse(t)
	refused := false
	h.at(time.Second, func() {
		h.env.UpdateWorkflow(contract.Acknowledge, "k", &rejected{t: t, refused: &refused}, contract.Word{Via: "api"})
	})
	h.says(2*time.Second, contract.Resolve, word("ana", "k2"), nil)
	h.run()
	require.True(t, refused)
}

type rejected struct {
	t       *testing.T
	refused *bool
}

func (r *rejected) Accept()             { r.t.Error("accepted") }
func (r *rejected) Reject(error)        { *r.refused = true }
func (r *rejected) Complete(any, error) {}

func TestTheQueryShowsTheRow(t *testing.T) {
	h := newHouse(t)
	h.at(time.Second, func() {
		value, err := h.env.QueryWorkflow(contract.QueryState)
		require.NoError(t, err)
		var s escalation.Summary
		require.NoError(t, value.Get(&s))
		require.Equal(t, escalation.Open, s.State)
		require.Equal(t, 1, s.Tier)
		require.Equal(t, escalation.Next{At: threeAM.Add(3 * time.Second), Action: "page", Target: "Ana Pérez by voice"}, s.Next)
		value, err = h.env.QueryWorkflow(contract.QueryMachine)
		require.NoError(t, err)
		var whole escalation.State
		require.NoError(t, value.Get(&whole))
		require.Equal(t, s.Next, whole.Summary().Next)
		require.NotEmpty(t, whole.Plan.Tiers, "what is to come can be told from it")
	})
	h.says(2*time.Second, contract.Resolve, word("ana", "k2"), nil)
	h.run()
}
