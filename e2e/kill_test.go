package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"
	"github.com/stretchr/testify/require"
)

// ownHouse is a house that a scene may kill.
func ownHouse(t *testing.T) *house {
	t.Helper()
	home, err := os.MkdirTemp("", "belay-home-")
	require.NoError(t, err)
	h := newHouse(t, home, "../examples/quick")
	h.start()
	t.Cleanup(func() { h.stop() })
	return h
}

func TestAPowerCutLosesNothingAndDoublesNothing(t *testing.T) {
	h := ownHouse(t)
	for round, pause := range []time.Duration{50 * time.Millisecond, 700 * time.Millisecond, 2900 * time.Millisecond, 5200 * time.Millisecond} {
		title := fmt.Sprintf("outage %d", round)
		accepted := h.fire(title, title, "critical")
		time.Sleep(pause) // the cut comes at a chosen instant of the ladder
		h.kill()
		time.Sleep(3 * time.Second) // steps become overdue while the power is out
		h.start()
		back := time.Now()
		sms := h.told(title, "ana", "sms")
		ben := h.told(title, "ben", "sms")
		t.Logf("cut %s after the alert: back after %s; ana told %s after it, ben %s after recovery",
			pause, back.Sub(accepted).Round(time.Millisecond), sms.At.Sub(accepted).Round(time.Millisecond), ben.At.Sub(back).Round(time.Millisecond))
		require.Contains(t, h.replies(ben, "ack "+ben.Escalation[2:]), "You have "+ben.Escalation)
		h.reaches(sms.Escalation, "acknowledged")
		h.once()
		opened := 0
		for _, e := range h.timeline(sms.Escalation) {
			if e.Kind == "opened" {
				opened++
			}
		}
		require.Equal(t, 1, opened)
		require.Equal(t, sms.Escalation, ben.Escalation, "one alert is one escalation")
		h.says(sms.Escalation, "resolve", nil)
	}
}

func TestCtrlCAndAgainGoesOnWhereItWas(t *testing.T) {
	h := ownHouse(t)
	h.fire("slow leak", "leak", "critical")
	sms := h.told("slow leak", "ana", "sms")
	h.replies(sms, "ack")
	h.interrupt()
	h.start()
	h.reaches(sms.Escalation, "acknowledged")
	h.event(pagerduty.V2Event{RoutingKey: routingKey, Action: "resolve", DedupKey: "leak"})
	h.reaches(sms.Escalation, "resolved")
	h.once()
}
