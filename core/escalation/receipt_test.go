package escalation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// A callback can overtake the answer to the request itself: "accepted" after "delivered" is no news.
func TestAcceptedAfterDeliveredIsNoNews(t *testing.T) {
	at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	s, effects := Step(State{}, Opened{At: at, Opening: Opening{ID: "E-1", Plan: policy.Plan{Priority: org.P1, Tiers: []org.Tier{{Name: "on call", AckWithin: time.Minute}}}}})
	s, effects = Step(s, Mustered{At: at, Key: find[Muster](effects).Key, Roll: policy.Roll{AckBy: at.Add(time.Minute), Targets: []policy.Responder{
		{Person: "ana", Name: "Ana", Ladder: []policy.Contact{{Method: "mobile", Channel: org.SMS}}},
	}}})
	key := find[Send](effects).Key
	s, effects = Step(s, Reported{At: at, Receipt: page.Receipt{Key: key, Status: page.Delivered, Class: page.Arrived}})
	require.NotEmpty(t, effects)
	_, effects = Step(s, Reported{At: at, Receipt: page.Receipt{Key: key, Status: page.Accepted, Class: page.Pending}})
	require.Empty(t, effects)
}

func find[E Effect](effects []Effect) (found E) {
	for _, effect := range effects {
		if e, ok := effect.(E); ok {
			return e
		}
	}
	return found
}
