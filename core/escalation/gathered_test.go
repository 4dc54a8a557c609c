package escalation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// A page that waited for others is told of twice: that it waits, and what became of the message in which it left.
func TestWhatBecomesOfAGatheredPageIsNews(t *testing.T) {
	at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	for _, after := range []page.Receipt{
		{Status: page.Accepted, Class: page.Pending}, {Status: page.Withdrawn, Class: page.Pending}, {Status: page.Delivered, Class: page.Arrived},
	} {
		s, effects := Step(State{}, Opened{At: at, Opening: Opening{ID: "E-1", Plan: policy.Plan{Priority: org.P1, Tiers: []org.Tier{{Name: "on call", AckWithin: time.Minute}}}}})
		s, effects = Step(s, Mustered{At: at, Key: find[Muster](effects).Key, Roll: policy.Roll{AckBy: at.Add(time.Minute), Targets: []policy.Responder{
			{Person: "ana", Name: "Ana", Ladder: []policy.Contact{{Method: "mobile", Channel: org.SMS}}},
		}}})
		key := find[Send](effects).Key
		s, effects = Step(s, Reported{At: at, Receipt: page.Receipt{Key: key, Status: page.Gathered, Class: page.Pending}})
		require.Contains(t, find[Record](effects).Entry.Text, "gathered")
		after.Key = key
		_, effects = Step(s, Reported{At: at, Receipt: after})
		require.Contains(t, find[Record](effects).Entry.Text, string(after.Status))
	}
}
