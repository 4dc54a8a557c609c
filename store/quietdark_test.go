package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// comesBack writes down what came of an alert while the records were away, twice as the engine may, and settles it.
func (r *ruled) comesBack(key string, all ...contract.Led) []string {
	r.t.Helper()
	for n := range all {
		all[n].Event.Alert.DedupKey = key
		if all[n].Start == nil && all[n].Escalation == "" {
			all[n].Note = "nothing was open to " + string(all[n].Event.Alert.Action)
		}
	}
	for range 2 {
		require.NoError(r.t, r.inbox.Reconcile(context.Background(), contract.Reconcile{Service: "payments", DedupKey: key, Led: all}))
	}
	return r.looks()
}

func (r *ruled) state(key string) string {
	r.t.Helper()
	var state string
	require.NoError(r.t, r.inbox.Pool.QueryRow(context.Background(), "select coalesce((select state from alerts where dedup_key = $1), '')", key).Scan(&state))
	return state
}

const ours = id.Escalation("")

// The engine knows nothing of what rules keep quiet: to whoever ends it in the dark it says that nothing was open. It is over all the
// same, and pages nobody when its time comes; what still fires pages once.
func TestADelayedAlertThatEndsInTheDarkTellsNobody(t *testing.T) {
	r := withRules(t, org.Rule{Name: "later", Action: org.Tell, Delay: 5 * time.Minute})
	require.Empty(t, r.fires("disk", alert.Error))
	require.Empty(t, r.fires("queue", alert.Error))
	require.Empty(t, r.comesBack("disk", led(alert.Resolve, time.Minute, ours, false)))
	require.Equal(t, "over before anybody was told", r.note("disk"))
	require.Equal(t, []string{"open E-1"}, r.passes(5*time.Minute), "the one that fires, and no other")
	require.Empty(t, r.passes(time.Hour))
	require.Equal(t, []string{"resolve E-1 by monitor via events"}, r.ends("queue"))
	require.Equal(t, 1, number(t, r.inbox.Pool, "select count(*) from inbox where dedup_key = 'disk' and action = 'resolve'"), "it is on record once")
}

func TestAMutedAlertThatEndsInTheDarkTellsNobody(t *testing.T) {
	r := withRules(t)
	plan(r, nil)
	require.Empty(t, r.fires("disk", alert.Warning))
	require.Empty(t, r.fires("queue", alert.Warning))
	require.Empty(t, r.comesBack("disk", led(alert.Resolve, time.Minute, ours, false)))
	require.Equal(t, []string{"open E-1"}, r.passes(2*time.Hour), "the one that fires, and no other")
	require.Equal(t, []string{"resolve E-1 by monitor via events"}, r.ends("queue"))
}

func TestOneOfAGroupThatEndsInTheDarkLeavesIt(t *testing.T) {
	r := withRules(t, org.Rule{Name: "cluster", When: "has(labels.cluster)", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute}})
	require.Equal(t, []string{"open E-1"}, r.fires("a", alert.Error))
	require.Empty(t, r.fires("b", alert.Error))
	require.Empty(t, r.fires("c", alert.Error))
	require.Empty(t, r.comesBack("a", led(alert.Resolve, time.Minute, ours, false)))
	require.Equal(t, "2 others of its group still fire", r.note("a"))
	require.Empty(t, r.ends("b"))
	require.Contains(t, r.comesBack("c", led(alert.Resolve, 2*time.Minute, ours, false)), "resolve E-1 by monitor via events", "the last of them ends it")
}

// In the dark everything pages. What was quiet until then waits no longer: it has been told.
func TestWhatWasToldInTheDarkIsNotToldLater(t *testing.T) {
	r := withRules(t, org.Rule{Name: "later", Action: org.Tell, Delay: 5 * time.Minute})
	require.Empty(t, r.fires("disk", alert.Error))
	require.Empty(t, r.fires("queue", alert.Error))
	require.Empty(t, r.comesBack("disk", led(alert.Trigger, time.Minute, "E-900", true), led(alert.Resolve, 2*time.Minute, "E-900", false)))
	require.Empty(t, r.comesBack("queue", led(alert.Trigger, time.Minute, "E-901", true)))
	require.Empty(t, r.state("disk"))
	require.Empty(t, r.passes(time.Hour))
	require.Equal(t, []string{"resolve E-901 by monitor via events"}, r.ends("queue"))
	require.Empty(t, r.passes(time.Hour))
}

// An alert of a group that fires again in the dark has an escalation of its own beside that of the group. Its end ends both.
func TestOneOfAGroupThatWasToldInTheDarkEndsBoth(t *testing.T) {
	r := withRules(t, org.Rule{Name: "cluster", When: "has(labels.cluster)", Action: org.Tell, Group: &org.Grouping{By: []string{"labels.cluster"}, Within: 10 * time.Minute}})
	require.Equal(t, []string{"open E-1"}, r.fires("a", alert.Error))
	require.Empty(t, r.comesBack("a", led(alert.Trigger, time.Minute, "E-900", true)))
	require.ElementsMatch(t, []string{"resolve E-900 by monitor via events", "resolve E-1 by monitor via events"}, r.ends("a"))

	require.Equal(t, []string{"open E-2"}, r.fires("b", alert.Error))
	require.Equal(t, []string{"resolve E-2 by monitor via events"},
		r.comesBack("b", led(alert.Trigger, 2*time.Minute, "E-901", true), led(alert.Resolve, 3*time.Minute, "E-901", false)), "the engine has ended the other")
	require.Zero(t, number(t, r.inbox.Pool, "select count(*) from escalations where dedup_held"))
}

// What flaps and was quiet when the records went away is not over when it fires in the dark.
func TestWhatFlapsInTheDarkIsNotQuiet(t *testing.T) {
	r := withRules(t)
	in := r.company.Integrations["acme-payments"]
	in.Flapping = &org.Flapping{Changes: 2, Within: 10 * time.Minute}
	r.company.Integrations["acme-payments"] = in
	for range 2 {
		r.fires("link", alert.Error)
		r.ends("link")
	}
	require.Equal(t, "flapping", r.state("link"))
	holder := id.OfNumber(int64(number(t, r.inbox.Pool, "select number from escalations where dedup_held")))
	require.Empty(t, r.comesBack("link", led(alert.Trigger, time.Minute, holder, false)))
	require.Empty(t, r.passes(time.Hour), "it fires")
	require.Equal(t, 1, number(t, r.inbox.Pool, "select count(*) from escalations where dedup_held"))
	require.Contains(t, r.ends("link"), "resolve "+string(holder)+" by monitor via events")
}
