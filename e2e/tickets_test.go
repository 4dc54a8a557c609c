package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	machine "github.com/belayhq/belay/core/escalation"
)

// hasty promises are due within seconds.
const hasty = `kind: sla
id: hasty
metric: resolve
target: 12s
thresholds:
  - {at: 50%, do: warn}
  - {at: breach, do: escalate}
  - {at: 6s after, do: warn}
`

// deskHouse has a service desk whose tickets are promised to be solved within seconds.
func deskHouse(t *testing.T) *house {
	t.Helper()
	blueprint := t.TempDir()
	quick, err := filepath.Glob("../examples/quick/*.yaml")
	require.NoError(t, err)
	for _, file := range quick {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(blueprint, filepath.Base(file)), content, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(blueprint, "z.yaml"), []byte(hasty), 0o600))
	home, err := os.MkdirTemp("", "belay-home-")
	require.NoError(t, err)
	h := newHouse(t, home, blueprint)
	h.start()
	t.Cleanup(func() { h.stop() })
	return h
}

type ticketed struct {
	ID         string `json:"id"`
	Escalation string `json:"escalation"`
	State      string `json:"escalation_state"`
	Clocks     []struct {
		Name       string    `json:"name"`
		DueAt      time.Time `json:"due_at"`
		WarnedAt   time.Time `json:"warned_at"`
		BreachedAt time.Time `json:"breached_at"`
		Paused     bool      `json:"paused"`
		Reason     string    `json:"reason"`
		Elapsed    int       `json:"elapsed"`
		Target     int       `json:"target"`
	} `json:"clocks"`
}

func (h *house) ticket(id string) (t ticketed) {
	h.t.Helper()
	h.get("/v1/tickets/"+id, &t)
	return t
}

func (h *house) observes(key, state string, more map[string]any) (escalation string) {
	h.t.Helper()
	body := map[string]any{"system": "desk", "key": key, "title": key + " is slow", "service": "payments", "state": state, "priority": "P2"}
	for name, value := range more {
		body[name] = value
	}
	var out struct{ Escalation string }
	h.post("/v1/tickets", body, http.StatusOK, &out)
	return out.Escalation
}

// The power is cut while clocks wait. Each threshold is acted on once, in order, at its instant or when the power is back.
func TestThresholdsSurviveAPowerCut(t *testing.T) {
	h := deskHouse(t)
	for round, pause := range []time.Duration{100 * time.Millisecond, 5 * time.Second, 11 * time.Second} {
		key := fmt.Sprintf("T%d", round)
		e := h.observes(key, "working", nil)
		require.NotEmpty(t, e)
		due := h.ticket("desk:" + key).Clocks[0].DueAt
		require.Equal(t, "desk:"+key, h.ticket(e).ID, "found by its escalation too")
		time.Sleep(pause) // the cut comes at a chosen instant of the clock
		h.kill()
		time.Sleep(2 * time.Second) // thresholds become due while the power is out
		h.start()
		back := time.Now()
		h.told(key+" is slow", "ana", "sms")
		h.eventually(func() bool {
			n := 0
			for _, line := range h.timeline(e) {
				if line.Kind == "threshold" {
					n++
				}
			}
			return n == 3
		}, "all thresholds of %s are acted on", e)
		var said []string
		for _, line := range h.timeline(e) {
			if line.Kind != "threshold" {
				continue
			}
			said = append(said, line.Text)
			instant := map[int]time.Time{1: due.Add(-6 * time.Second), 2: due, 3: due.Add(6 * time.Second)}[len(said)]
			from := instant
			if back.After(from) && line.At.After(back) {
				from = back
			}
			t.Logf("cut %s after the start: threshold %d acted on %s after it could be", pause, len(said), line.At.Sub(from).Round(time.Millisecond))
			require.False(t, line.At.Before(instant), "not before its instant")
		}
		require.Len(t, said, 3)
		require.Contains(t, said[0], "50% of it is used")
		require.Contains(t, said[1], "is late")
		require.Contains(t, said[2], "late by 6s")
		clock := h.ticket("desk:" + key).Clocks[0]
		require.Equal(t, due, clock.BreachedAt)
		require.Equal(t, due.Add(-6*time.Second), clock.WarnedAt)
		h.observes(key, "solved", nil)
		h.reaches(e, "resolved")
		h.once()
	}
}

func TestAWaitingTicketIsWatchedAndNobodyIsTold(t *testing.T) {
	h := deskHouse(t)
	h.eventually(func() bool { return h.rules() == machine.CurrentRules }, "what is watched now goes by the newest rules")
	e := h.observes("W1", "working", nil)
	h.reaches(e, "watching")
	h.eventually(func() bool { return h.escalation(e).Next.Action == "warn" }, "the list says that %s will be warned of", e)
	require.WithinDuration(t, h.ticket("desk:W1").Clocks[0].DueAt.Add(-6*time.Second), h.escalation(e).Next.At, 0)
	h.observes("W1", "waiting", map[string]any{"reason": "customer"})
	h.eventually(func() bool { return h.escalation(e).Next.Action == "none" }, "nothing is due of %s", e)
	clock := h.ticket("desk:W1").Clocks[0]
	require.True(t, clock.Paused)
	require.Equal(t, "customer", clock.Reason)
	require.Zero(t, clock.DueAt)
	require.Equal(t, 12, clock.Target)
	require.Empty(t, h.messages(e))
	h.observes("W1", "working", nil)
	h.told("W1 is slow", "ana", "sms")
	for n := range 4 { // it goes back and forth: the fourth time it has come back to a team three times
		h.observes("P1", "waiting", map[string]any{"team": []string{"desk", "net"}[n%2]})
	}
	p := h.observes("P1", "waiting", map[string]any{"team": "desk"})
	h.eventually(func() bool {
		for _, line := range h.timeline(p) {
			if strings.Contains(line.Text, "back and forth between teams 3 times") {
				return true
			}
		}
		return false
	}, "%s climbs", p)
}

// With BELAY_RECORD=<release> the life of a watched ticket is kept for the replay tests of every later release.
func TestATicketsHistoryIsRecorded(t *testing.T) {
	release := os.Getenv("BELAY_RECORD")
	if release == "" {
		t.Skip("set BELAY_RECORD=<release> to record histories into workflows/testdata/histories")
	}
	h := deskHouse(t)
	h.eventually(func() bool { return h.rules() == machine.CurrentRules }, "what is watched now goes by the newest rules")
	e := h.observes("R1", "working", nil)
	h.reaches(e, "watching")
	h.observes("R1", "waiting", map[string]any{"reason": "customer"})
	h.observes("R1", "working", map[string]any{"team": "network"})
	sms := h.told("R1 is slow", "ana", "sms")
	h.replies(sms, "ack "+e[2:])
	h.observes("R1", "solved", nil)
	h.reaches(e, "resolved")
	h.observes("R1", "working", nil)
	h.reaches(e, "watching")
	h.record(release, "ticket", "escalation/"+e)
}
