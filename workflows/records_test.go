package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
)

// counts the activities that are begun, local ones apart.
func (h *house) counts() map[string]int {
	begun := map[string]int{}
	count := func(name string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		begun[name]++
	}
	h.env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		count(info.ActivityType.Name)
	})
	h.env.SetOnLocalActivityStartedListener(func(info *activity.Info, _ context.Context, _ []any) {
		count("local " + info.ActivityType.Name)
	})
	return begun
}

// An activity for the entries alone costs as much history as the page that they lead to.
func TestEntriesTravelWithThePage(t *testing.T) {
	live := func(rules int) map[string]int {
		h := newHouse(t)
		h.rules = rules
		begun := h.counts()
		h.says(time.Second, contract.Acknowledge, word("ana", "k1"), nil)
		h.says(time.Minute, contract.Resolve, word("ana", "k2"), nil)
		h.run()
		require.NoError(t, h.env.GetWorkflowError())
		require.Equal(t, escalation.Closed, h.summary.State)
		require.Len(t, h.texts(escalation.EntryOpened, escalation.EntryTier, escalation.EntrySent, escalation.EntryReceipt,
			escalation.EntryAcknowledged, escalation.EntryResolved, escalation.EntryClosed), 7, "rules %d: %+v", rules, h.journal)
		return begun
	}
	require.Equal(t, map[string]int{"local Muster": 1, "Send": 1, "Record": 2, "local Record": 1}, live(2))
	require.GreaterOrEqual(t, live(1)["Record"], 4, "under the first rules nothing travels")
}

// What travelled with a page that left while the database was away is written when it is back.
func TestWhatTravelledInVainIsWrittenLater(t *testing.T) {
	h := newHouse(t)
	h.dark = 4
	h.says(time.Minute, contract.Resolve, word("ana", "k2"), nil)
	h.run()
	require.NoError(t, h.env.GetWorkflowError())
	require.Equal(t, "+0s ana sms", h.told[0])
	require.Len(t, h.texts(escalation.EntryOpened), 1)
	require.NotEmpty(t, h.texts(escalation.EntryReceipt))
	require.Len(t, h.journal, h.summary.Seq, "entries are missing")
}

// A worker of an older release must leave a newer escalation to others, not play it by its own rules.
func TestRulesThatAreNotKnownAreLeftToANewerWorker(t *testing.T) {
	h := newHouse(t)
	h.rules = escalation.CurrentRules + 1
	h.run()
	require.ErrorContains(t, h.env.GetWorkflowError(), "a newer one must take it")
	require.Empty(t, h.told)
}

// Nor may it go on with one that another worker has begun.
func TestARunThatIsCarriedOnIsLeftToANewerWorkerToo(t *testing.T) {
	h := newHouse(t)
	h.rules = escalation.CurrentRules + 1
	carried, _ := escalation.Step(escalation.State{}, escalation.Opened{At: threeAM, Opening: h.opening()})
	h.env.SetStartWorkflowOptions(startOptions(contract.EscalationID("E-42")))
	h.env.ExecuteWorkflow(contract.WorkflowEscalation, contract.Start{Opening: h.opening(), Carried: &carried})
	require.ErrorContains(t, h.env.GetWorkflowError(), "a newer one must take it")
	require.Empty(t, h.told)
}
