package escalation

import (
	"testing"
	"time"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// Who asks later why a phone stayed silent finds the reason in the timeline.
func TestARungThatIsLeftOutIsOnRecord(t *testing.T) {
	at := time.Unix(0, 0)
	s, effects := Step(State{}, Opened{At: at, Opening: Opening{ID: "E-42", Plan: policy.Plan{Tiers: []org.Tier{{Name: "one"}}}}})
	ana := policy.Responder{
		Person: "ana", Name: "Ana", Ladder: []policy.Contact{{Method: "call", Channel: org.Voice}},
		Barred: []policy.Barred{{Method: "mobile", Why: "opted out, the person replied STOP"}},
	}
	_, effects = Step(s, Mustered{At: at, Key: keyOfMuster(t, effects), Roll: policy.Roll{Targets: []policy.Responder{ana}}})
	for _, effect := range effects {
		r, ok := effect.(Record)
		if ok && r.Entry.Kind == EntrySkipped && r.Entry.Text == "mobile of Ana skipped: opted out, the person replied STOP" && r.Entry.Detail["method"] == "mobile" {
			return
		}
	}
	t.Fatalf("not recorded: %+v", effects)
}
