package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

// A link that we did not make is refused in one way; one that we made says what it was made of.
func FuzzLinks(f *testing.F) {
	now := time.Unix(1772452800, 0)
	links := service.Links{Secret: []byte("0123456789abcdef0123456789abcdef"), PublicURL: "https://belay.example", Now: func() time.Time { return now }}
	f.Add("ZXNjYWxhdGlvbi9FLTEKYmVuCkUtMQoxNzk2MjA1MjMx.BHBuIhorA41pV7y3Q26D7Q", "escalation/E-42", "ana", "E-42/t1/ana/mobile/3")
	f.Add("", "", "", "")
	f.Add(".", "a\nb", "c\nd", "e\nf")
	f.Add("====.!!!!", "\x00", "\xff", strings.Repeat("x", 5000))
	f.Fuzz(func(t *testing.T, token, workflow, person, key string) {
		if got, err := links.Open(token); !fault.Is(err, fault.Denied) || got != (service.Ticket{}) {
			t.Fatalf("opened %q: %+v %v", token, got, err)
		}
		_, made, _ := strings.Cut(links.Link(workflow, id.Person(person), key, now), "/a/")
		got, err := links.Open(made)
		if strings.Contains(workflow+person+key, "\n") { // what no name of ours has
			return
		}
		if err != nil || got.Workflow != workflow || string(got.Person) != person || got.Key != key {
			t.Fatalf("%q %q %q became %+v %v", workflow, person, key, got, err)
		}
		for at := range len(made) {
			other := made[:at] + string(made[at]^1) + made[at+1:]
			if _, err := links.Open(other); err == nil {
				t.Fatalf("a forged link was opened: byte %d of %q", at, made)
			}
			if at > 400 {
				break
			}
		}
	})
}
