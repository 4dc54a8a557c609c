package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// kept is an alert that is due, and one that no window mutes any more. Whoever let go of them is noted.
type kept struct {
	due, muted []service.Muted
	freed      []int64
}

func (k *kept) Ripen(_ context.Context, _ time.Time, delayed []int64, _ int) ([]int64, error) {
	var ripe []int64
	for _, m := range k.due {
		if delayed == nil || len(delayed) > 0 && delayed[0] == m.Seq {
			ripe = append(ripe, m.Seq)
		}
	}
	k.freed = append(k.freed, ripe...)
	return ripe, nil
}

func (k *kept) Delayed(context.Context, time.Time, int) ([]service.Muted, error) { return k.due, nil }

func (k *kept) Muted(context.Context, []id.Window, int) ([]service.Muted, error) { return k.muted, nil }

func (k *kept) Unmute(_ context.Context, seq int64, _ id.Window, _ time.Time) error {
	k.freed = append(k.freed, seq)
	return nil
}

func (k *kept) Mute(context.Context, int64, id.Window) error { return nil }

func (k *kept) Forget(context.Context, time.Time, int) (int, error) { return 0, nil }

// After the records were away, what was to be quiet until now stays so until all is known that came meanwhile: its end may be in the
// engine, or on its way to the records. An engine that does not say is not waited for.
func TestWhatWasQuietIsNotLetGoBeforeItsEndIsHeard(t *testing.T) {
	n := newNight(t)
	one := func(seq int64, key string) service.Muted {
		return service.Muted{Seq: seq, Incoming: service.Incoming{Integration: "payments-events", Service: "payments", Alert: alert.Alert{DedupKey: key}}}
	}
	k := &kept{due: []service.Muted{one(1, "disk")}, muted: []service.Muted{one(2, "queue")}}
	q := &service.Quiet{Alerts: k, Routes: &service.Routes{Organisation: n.organisation}, Lights: n.lights, Dark: n.dark, Now: func() time.Time { return n.now }, Log: quiet}
	looks := func() []int64 {
		t.Helper()
		k.freed = nil
		require.NoError(t, q.Look(ctx()))
		return k.freed
	}
	n.dark.Look(ctx())
	require.Equal(t, []int64{1, 2}, looks(), "by day nothing is waited for")

	n.lights.Saw(away)
	hash := n.dark.Hash("payments", "disk")
	n.talks.Begin(hash)
	n.now = n.now.Add(time.Hour)
	n.lights.Saw(nil)
	require.Empty(t, looks(), "nobody has asked the engine since")
	n.dark.Look(ctx())
	require.Empty(t, looks(), "another process may not know yet that the records are back")
	n.now = n.now.Add(5 * time.Second)
	n.dark.Look(ctx())
	require.Equal(t, []int64{2}, looks(), "of the other there is more in the engine")
	n.talks.End()
	n.now = n.now.Add(6 * time.Second)
	n.dark.Look(ctx())
	require.Equal(t, []int64{1, 2}, looks(), "all is on record")

	n.lights.Saw(away)
	n.now = n.now.Add(time.Minute)
	n.lights.Saw(nil)
	n.talks.Away = true
	n.now = n.now.Add(time.Minute)
	n.dark.Look(ctx())
	require.Empty(t, looks())
	n.now = n.now.Add(31 * time.Second)
	require.Equal(t, []int64{1, 2}, looks(), "in doubt a page is a page")
}

// In the dark the engine is asked by the alert's own name. A group's escalation must not answer to the alert that happened to open it:
// its end would be taken for the end of all.
func TestNoAlertSpeaksForItsGroupInTheDark(t *testing.T) {
	n := newNight(t)
	in := n.organisation.Directory.Org.Integrations["payments-events"]
	in.Rules = []org.Rule{{Name: "cluster", When: `dedup_key != "alone"`, Action: org.Tell, Group: &org.Grouping{By: []string{"severity"}, Within: time.Hour}}}
	n.organisation.Directory.Org.Integrations["payments-events"] = in
	n.intake.Routes = &service.Routes{Organisation: n.organisation}
	require.NoError(t, n.sends(alert.Trigger, "alone"))
	require.NoError(t, n.sends(alert.Trigger, "disk"))
	n.relay.Sweep(ctx())
	var answer []string
	for _, start := range n.engine.Started() {
		require.NotEmpty(t, start.Conversation)
		answer = append(answer, start.Conversation)
	}
	require.Len(t, answer, 2)
	require.Contains(t, answer, n.dark.Hash("payments", "alone"))
	require.NotContains(t, answer, n.dark.Hash("payments", "disk"))
}
