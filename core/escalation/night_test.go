package escalation

import (
	"strings"
	"testing"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// night is one escalation being played by hand, in which everybody can be reached by text.
type night struct {
	t     *testing.T
	now   time.Time
	state State
	done  []Effect
}

func newNight(t *testing.T, change ...func(*Opening)) *night {
	n := &night{t: t, now: time.Date(2026, 12, 25, 3, 0, 0, 0, time.UTC)}
	o := Opening{
		ID: "E-42", Title: "it broke", Severity: alert.Warning, Service: "payments", ServiceName: "Payments", Impact: 1,
		Kind: org.Technical, OpenedAt: n.now, By: Answer{By: "monitor"},
		Plan: policy.Plan{
			Revision: "r", Priority: org.P3, Reopen: time.Hour,
			Tiers: []org.Tier{
				{Name: "tier 1", AckWithin: 5 * time.Minute, UpdateEvery: 30 * time.Minute, Targets: []org.Target{{Person: "ana"}}},
				{Name: "tier 2", AckWithin: 5 * time.Minute, UpdateEvery: 30 * time.Minute, Targets: []org.Target{{Person: "ben"}}},
			},
		},
	}
	for _, f := range change {
		f(&o)
	}
	n.hears(0, func(at time.Time) Event { return Opened{At: at, Opening: o} })
	return n
}

// hears lets time pass, with everything that is due in it, and then something happen. The effects of it are kept.
func (n *night) hears(after time.Duration, what func(at time.Time) Event) []Effect {
	n.t.Helper()
	until := n.now.Add(after)
	for wake, due := n.state.Wake(); due && !wake.After(until); wake, due = n.state.Wake() {
		n.now = wake
		n.take(Ticked{At: wake})
	}
	n.now, n.done = until, nil
	n.take(what(until))
	return n.done
}

func (n *night) take(e Event) {
	var effects []Effect
	n.state, effects = Step(n.state, e)
	n.done = append(n.done, effects...)
	for _, effect := range effects {
		muster, ok := effect.(Muster)
		if !ok {
			continue
		}
		var roll policy.Roll
		for _, target := range muster.Call.Tier.Targets {
			contact := policy.Contact{Method: "mobile", Channel: org.SMS}
			roll.Targets = append(roll.Targets, policy.Responder{Person: target.Person, Name: string(target.Person), Ladder: []policy.Contact{contact}, Updates: &contact})
		}
		n.take(Mustered{At: n.now, Key: muster.Key, Roll: roll})
	}
}

func (n *night) says(after time.Duration, event func(at time.Time) Event) string {
	n.t.Helper()
	for _, effect := range n.hears(after, event) {
		if reply, ok := effect.(Reply); ok {
			return reply.Text
		}
	}
	n.t.Fatal("no answer")
	return ""
}

// sent are the persons told by what was kept, of one purpose.
func (n *night) sent(purpose page.Purpose) string {
	var who []string
	for _, effect := range n.done {
		if send, ok := effect.(Send); ok && send.Purpose == purpose {
			who = append(who, string(send.Person))
		}
	}
	return strings.Join(who, " ")
}

func (n *night) paged() string { return n.sent(page.Page) }

func (n *night) entries(kind EntryKind) (texts []string) {
	for _, effect := range n.done {
		if r, ok := effect.(Record); ok && r.Entry.Kind == kind {
			texts = append(texts, r.Entry.Text)
		}
	}
	return texts
}

func (n *night) want(what string, got, want any) {
	n.t.Helper()
	if got != want {
		n.t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func acks(by id.Person) func(time.Time) Event {
	return func(at time.Time) Event {
		return Acknowledged{At: at, Answer: Answer{By: by, Key: "ack/" + at.String()}}
	}
}

func resolves(said time.Time) func(time.Time) Event {
	return func(at time.Time) Event {
		return Resolved{At: at, Answer: Answer{By: "ana", Key: "resolve/" + at.String(), At: said}}
	}
}

func fires(last time.Time, severity alert.Severity) func(time.Time) Event {
	return func(at time.Time) Event {
		return Repeated{At: at, Key: "repeat/" + at.String(), Count: 1, Severity: severity, Fired: last}
	}
}

// Repeats are counted at the door and told some seconds later: one from before the end must not wake anybody after it.
func TestARepeatFromBeforeTheEndReopensNothing(t *testing.T) {
	for name, c := range map[string]struct {
		said, fired time.Duration // after the opening; the end is heard after 10 s, the repeat after 12 s
		reopens     bool
	}{
		"fired, then resolved":                                  {said: 10 * time.Second, fired: 9 * time.Second},
		"resolved by the alert that came with the repeat":       {said: 10 * time.Second, fired: 10 * time.Second},
		"resolved, then fired":                                  {said: 10 * time.Second, fired: 11 * time.Second, reopens: true},
		"resolved, then fired, and both were heard of late":     {said: 2 * time.Second, fired: 4 * time.Second, reopens: true},
		"fired, then resolved, and both were heard of late":     {said: 4 * time.Second, fired: 2 * time.Second},
		"a resolve that does not say when, and a later alert":   {said: -1, fired: 11 * time.Second, reopens: true},
		"a resolve that does not say when, and an earlier one":  {said: -1, fired: 9 * time.Second, reopens: true},
		"an alert that does not say when":                       {said: 10 * time.Second, fired: -1, reopens: true},
		"a resolve that says an instant which has not come yet": {said: time.Hour, fired: 11 * time.Second, reopens: true},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			instant := func(after time.Duration) time.Time {
				if after < 0 {
					return time.Time{}
				}
				return n.state.Opening.OpenedAt.Add(after)
			}
			said, fired := instant(c.said), instant(c.fired)
			n.hears(10*time.Second, resolves(said))
			n.hears(2*time.Second, fires(fired, alert.Warning))
			n.want("open again", n.state.Phase == Open, c.reopens)
			n.want("paged", n.paged() != "", c.reopens)
			n.want("counted", n.state.Repeats, 1)
			n.want("recorded", len(n.entries(EntryRepeated)), 1)
		})
	}
}

func TestWhatComesBackWorseIsOfTheWorsePriority(t *testing.T) {
	n := newNight(t)
	n.hears(10*time.Second, resolves(time.Time{}))
	n.hears(time.Minute, fires(time.Time{}, alert.Critical))
	n.want("severity", n.state.Severity, alert.Critical)
	var asked []Compile
	for _, effect := range n.done {
		if compile, ok := effect.(Compile); ok {
			asked = append(asked, compile)
		}
	}
	if len(asked) != 1 || asked[0].Priority != org.P1 {
		t.Fatalf("asked for %+v", asked)
	}
}

// A ladder that cannot be found must not keep a worse severity from whoever has it.
func TestAWorseSeverityPagesAlsoWithoutANewLadder(t *testing.T) {
	for name, final := range map[string]bool{"later": false, "never": true} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.hears(time.Minute, acks("ana"))
			n.hears(time.Minute, fires(time.Time{}, alert.Critical))
			n.want("paged before the ladder is asked for", n.paged(), "")
			key := n.state.Asked
			n.hears(2*time.Second, func(at time.Time) Event { return Unplanned{At: at, Key: key, Final: final} })
			n.want("paged", n.paged(), "ana")
			n.want("warned", len(n.entries(EntryWarning)) > 0, final)
			n.hears(time.Second, func(at time.Time) Event { return Unplanned{At: at, Key: key, Final: final} })
			n.want("paged again for the same reason", n.paged(), "")
			n.hears(time.Second, func(at time.Time) Event {
				plan := n.state.Plan
				plan.Priority = org.P1
				return Planned{At: at, Key: key, Plan: plan}
			})
			n.want("the plan that comes later holds", n.state.Plan.Priority == org.P1, !final)
		})
	}
}

// A priority chosen by hand pages nobody by itself: neither does the lack of a ladder for it.
func TestAPriorityByHandWithoutALadderIsSaid(t *testing.T) {
	n := newNight(t)
	n.hears(time.Minute, acks("ana"))
	n.hears(time.Minute, func(at time.Time) Event {
		return Prioritised{At: at, Answer: Answer{By: "ana", Key: "p"}, Priority: org.P1}
	})
	key := n.state.Asked
	n.hears(time.Second, func(at time.Time) Event { return Unplanned{At: at, Key: key, Final: true} })
	n.want("paged", n.paged(), "")
	n.want("warned", len(n.entries(EntryWarning)), 1)
	n.want("asked", n.state.Asked, "")
}

// Only a note from whoever has it is the update that was due.
func TestTheNotesOfOthersAreNoUpdate(t *testing.T) {
	n := newNight(t)
	n.hears(time.Minute, acks("ana"))
	due := n.state.Update.Due
	note := func(by id.Person) func(time.Time) Event {
		return func(at time.Time) Event {
			return Noted{At: at, Answer: Answer{By: by, Key: "note/" + at.String(), Note: "looking"}}
		}
	}
	n.says(20*time.Minute, note("token:ticket-bot"))
	n.want("due after a note of another", n.state.Update.Due, due)
	n.says(time.Minute, note("ana"))
	n.want("due after a note of the owner", n.state.Update.Due, n.now.Add(30*time.Minute))
}

// An escalation that closes at once still tells those who wanted to hear of it.
func TestTheLastWordIsWantedAfterTheEnd(t *testing.T) {
	n := newNight(t, func(o *Opening) { o.Plan.Reopen = 0 })
	n.hears(time.Minute, acks("ben"))
	n.hears(time.Minute, func(at time.Time) Event { return Resolved{At: at, Answer: Answer{By: "ben", Key: "r"}} })
	n.want("phase", n.state.Phase, Closed)
	n.want("informed", n.sent(page.Inform), "ana")
	for _, effect := range n.done {
		if send, ok := effect.(Send); ok && !n.state.Wants(send) {
			t.Fatalf("%s is recorded as sent and not wanted", send.Key)
		}
	}
}
