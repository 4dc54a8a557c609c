package escalation

import (
	"testing"
	"time"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// The key of every message that the machine decides says for whom it is.
func TestTheKeyOfAMessageSaysForWhomItIs(t *testing.T) {
	for name, vendor := range map[string]*Engagement{"escalation": nil, "engagement": {Vendor: "acme.cloud-2", Number: 3}} {
		t.Run(name, func(t *testing.T) {
			at := time.Unix(0, 0)
			contact := policy.Contact{Method: "told.1", Channel: org.SMS}
			ana := policy.Responder{Person: "t1", Ladder: []policy.Contact{contact}, Updates: &contact}
			s, effects := Step(State{}, Opened{At: at, Opening: Opening{
				ID: "E-42", Vendor: vendor, Plan: policy.Plan{Tiers: []org.Tier{{Name: "one"}}, Reopen: time.Hour},
			}})
			s, paged := Step(s, Mustered{At: at, Key: keyOfMuster(t, effects), Roll: policy.Roll{Targets: []policy.Responder{ana}}})
			_, told := Step(s, Acknowledged{At: at, Answer: Answer{By: "ben"}})
			sends := map[page.Purpose]int{}
			for _, effect := range append(paged, told...) {
				send, ok := effect.(Send)
				if !ok {
					continue
				}
				sends[send.Purpose]++
				want := Recipient{Escalation: "E-42", Person: "t1", Method: "told.1"}
				if vendor != nil {
					want.Vendor, want.Number = "acme.cloud-2", 3
				}
				if got, ok := ReadKey(send.Key); !ok || got != want {
					t.Errorf("%q: %+v %v", send.Key, got, ok)
				}
			}
			if sends[page.Page] != 1 || sends[page.Inform] != 1 {
				t.Fatalf("sent %v", sends)
			}
		})
	}
}

func keyOfMuster(t *testing.T, effects []Effect) string {
	t.Helper()
	for _, effect := range effects {
		if muster, ok := effect.(Muster); ok {
			return muster.Key
		}
	}
	t.Fatal("nobody is mustered")
	return ""
}

func TestWhatIsNoKeyOfAMessageNamesNobody(t *testing.T) {
	for _, key := range []string{
		"", "k", "E-", "E-42", "E-42/", "E-0/t1/ana/mobile/3", "E-42/t1/ana/mobile", "E-42/t1/ana/mobile/3/4", "E-42/t1//mobile/3",
		"E-42/t1/ana//3", "E-42/x/ana/mobile/3", "E-42/t/ana/mobile/3", "E-42/t1/ana/mobile/x", "E-42/v/acme/t1/vik/desk/2",
		"E-42/v/.1/t1/vik/desk/2", "E-42/v/acme.0/t1/vik/desk/2", "E-42/v/acme.x/t1/vik/desk/2", "E-42/v/acme.1", "E-42/entry/7",
	} {
		if r, ok := ReadKey(key); ok {
			t.Errorf("%q: %+v", key, r)
		}
	}
}
