package escalation

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// player turns bytes into a life: every byte chooses what happens next. It answers the machine's questions as badly
// as the world can: late, never, empty, twice.
type player struct {
	t       *testing.T
	bytes   []byte
	now     time.Time
	state   State
	keys    map[string]bool
	muster  []Muster
	reckon  []Reckon
	compile []Compile
	sends   []Send
	engaged []Engage
	pages   int
	word    int
}

func (p *player) next() int {
	if len(p.bytes) == 0 {
		return 0
	}
	b := p.bytes[0]
	p.bytes = p.bytes[1:]
	return int(b)
}

func (p *player) step(e Event) []Effect {
	p.t.Helper()
	before, _ := json.Marshal(p.state)
	old := p.state
	after, effects := Step(p.state, e)
	if unchanged, _ := json.Marshal(old); string(unchanged) != string(before) {
		p.t.Fatalf("Step changed the state it was given, on %T", e)
	}
	again, same := Step(old, e)
	if !reflect.DeepEqual(again, after) || !reflect.DeepEqual(same, effects) {
		p.t.Fatalf("Step is not a function of its arguments, on %T", e)
	}
	p.state = after
	for _, effect := range effects {
		key := effect.EffectKey()
		if key == "" || p.keys[key] {
			p.t.Fatalf("effect key %q of %T was used before, on %T", key, effect, e)
		}
		p.keys[key] = true
		switch effect := effect.(type) {
		case Muster:
			p.muster = append(p.muster, effect)
		case Reckon:
			p.reckon = append(p.reckon, effect)
		case Compile:
			p.compile = append(p.compile, effect)
		case Engage:
			p.engaged = append(p.engaged, effect)
		case Send:
			p.sends = append(p.sends, effect)
			if effect.Purpose == page.Page {
				p.pages++
				if !p.state.Climbing {
					p.t.Fatalf("%s was paged although nothing climbs, on %T", effect.Person, e)
				}
			}
		}
	}
	p.invariants(e)
	return effects
}

func (p *player) invariants(e Event) {
	s := p.state
	if s.Rules == 0 {
		return
	}
	if s.live() {
		if _, due := s.Wake(); !due && s.Phase == Open {
			p.t.Fatalf("an open escalation waits for nothing, after %T: %+v", e, s)
		}
		if s.Phase == Open && !s.Climbing {
			p.t.Fatalf("open, and nobody is being told, after %T", e)
		}
		if s.Climbing {
			if _, due := s.Wake(); !due {
				p.t.Fatalf("it climbs and waits for nothing, after %T", e)
			}
		}
	}
	if s.Phase == ResolvedP {
		if _, due := s.Wake(); !due {
			p.t.Fatalf("resolved and never closed, after %T", e)
		}
	}
	if s.Climbing && !s.live() {
		p.t.Fatalf("it climbs although it is %s", s.Phase)
	}
	if len(s.Seen) > keepSeen || len(s.Sent) > keepSent {
		p.t.Fatalf("the state grows without end")
	}
}

func (p *player) answer() Answer {
	p.word++
	a := Answer{By: id.Person([]string{"ana", "ben", "eve"}[p.next()%3]), Via: "api", Key: fmt.Sprint("word/", p.word)}
	if p.next()%5 == 0 {
		a.Key = fmt.Sprint("word/", p.next()%7)
	}
	return a
}

func (p *player) responder(n int) policy.Responder {
	who := []id.Person{"ana", "ben", "eve", "dan"}[n%4]
	r := policy.Responder{Person: who, Name: string(who), For: "person " + string(who)}
	channels := []org.Channel{org.SMS, org.Voice, org.Email}
	for i := range 1 + n%3 {
		r.Ladder = append(r.Ladder, policy.Contact{Method: id.Method(fmt.Sprint("m", (i+n)%3)), Channel: channels[(i+n)%3], Wait: time.Duration(n%4) * time.Minute})
	}
	if n%2 == 0 {
		r.Updates = &r.Ladder[0]
	}
	if n%17 == 16 {
		r.Ladder = nil
	}
	return r
}

func (p *player) roll(at time.Time) policy.Roll {
	var r policy.Roll
	for range p.next() % 3 {
		r.Targets = append(r.Targets, p.responder(p.next()))
	}
	for range p.next() % 3 {
		r.Backups = append(r.Backups, p.responder(p.next()))
	}
	r.Unmet = p.next() % 3
	if p.next()%3 == 0 {
		r.Vendors = append(r.Vendors, policy.Engaged{Vendor: "acme", Name: "Acme"})
	}
	if p.next()%4 == 0 {
		r.Skips = append(r.Skips, policy.Skip{Target: "schedule x", Reason: policy.NoShift})
	}
	if p.next()%9 == 0 {
		r.OpensAt = at.Add(time.Hour)
	}
	if p.next()%5 != 0 {
		r.AckBy = at.Add(time.Duration(p.next()%20) * time.Minute)
	}
	return r
}

func (p *player) plan(n int) policy.Plan {
	plan := policy.Plan{Revision: "r", Policy: "p", Priority: org.Priorities()[n%5], Repeat: n % 3, Reopen: time.Duration(n%2) * time.Hour}
	for i := range n % 4 {
		tier := org.Tier{
			Name: fmt.Sprint("tier ", i), AckWithin: time.Duration(n%7) * time.Minute, UpdateEvery: time.Duration(n%3) * 10 * time.Minute,
			ResolveWithin: time.Duration(n%4) * time.Hour, Repeat: n % 2, Direction: org.Functional,
		}
		if i == 2 {
			tier.Direction = org.Hierarchic
		}
		if n%5 == 4 {
			tier.Calendar = "office"
		}
		plan.Tiers = append(plan.Tiers, tier)
	}
	plan.CatchAll = org.Tier{Name: "catch-all", AckWithin: time.Duration(n%2) * 5 * time.Minute}
	return plan
}

func (p *player) opening() Opening {
	n := p.next()
	o := Opening{ID: "E-42", Title: "it broke", Severity: alert.Error, Service: "payments", ServiceName: "Payments", Impact: 1 + n%3, Kind: org.Technical, Plan: p.plan(n), OpenedAt: p.now, Rules: n % (CurrentRules + 1)}
	if n%6 == 5 {
		o.Vendor = &Engagement{Vendor: "acme", Name: "Acme", Ack: time.Duration(n%3) * time.Minute, Resolve: time.Hour, Number: 1}
		if n%4 == 1 {
			o.Vendor.Cover = "cover"
		}
	}
	return o
}

// play lives one life and returns how many events it took.
func (p *player) play() {
	p.step(Ticked{At: p.now}) // before the opening: nothing
	p.step(Opened{At: p.now, Opening: p.opening()})
	for len(p.bytes) > 0 {
		p.now = p.now.Add(time.Duration(p.next()%90) * time.Second)
		switch p.next() % 22 {
		case 0, 1, 2, 3, 4:
			p.wake()
		case 5, 6, 7:
			if len(p.muster) > 0 {
				m := p.muster[p.next()%len(p.muster)]
				p.step(Mustered{At: p.now, Key: m.Key, Roll: p.roll(p.now)})
			}
		case 8:
			if len(p.reckon) > 0 {
				r := p.reckon[p.next()%len(p.reckon)]
				p.step(Reckoned{At: p.now, Key: r.Key, Due: r.From.Add(time.Duration(p.next()) * time.Minute)})
			}
		case 9:
			if len(p.compile) > 0 {
				c := p.compile[p.next()%len(p.compile)]
				p.step(Planned{At: p.now, Key: c.Key, Plan: p.plan(p.next())})
			}
		case 10, 11, 12:
			p.receipt()
		case 13:
			p.acknowledge()
		case 14:
			p.step(Resolved{At: p.now, Answer: p.answer()})
		case 15:
			e := Escalated{At: p.now, Answer: p.answer(), Direction: []org.Direction{"", org.Functional, org.Hierarchic}[p.next()%3]}
			if p.next()%3 == 0 {
				e.To = &[]org.Target{{Person: "dan"}, {Vendor: "acme"}, {}}[p.next()%3]
			}
			p.step(e)
		case 16:
			p.step(Reassigned{At: p.now, Answer: p.answer(), To: []org.Target{{Team: "t"}, {}, {Vendor: "v"}}[p.next()%3]})
		case 17:
			p.step(Snoozed{At: p.now, Answer: p.answer(), Until: p.now.Add(time.Duration(p.next()-50) * time.Minute)})
		case 18:
			a := p.answer()
			a.Note = []string{"", "looking", " "}[p.next()%3]
			p.step(Noted{At: p.now, Answer: a})
		case 19:
			p.step(Reopened{At: p.now, Answer: p.answer()})
		case 20:
			p.step(Prioritised{At: p.now, Answer: p.answer(), Priority: append(org.Priorities(), "P9")[p.next()%6]})
		case 21:
			p.other()
		}
	}
}

// wake goes to the next due instant and does what is due; that must change what is due next.
func (p *player) wake() {
	at, due := p.state.Wake()
	if !due {
		return
	}
	if at.After(p.now) {
		p.now = at
	}
	for range 50 {
		p.step(Ticked{At: p.now})
		if next, still := p.state.Wake(); !still || next.After(p.now) {
			return
		}
	}
	p.t.Fatalf("it sticks at %s: %+v", p.now, p.state.next())
}

func (p *player) receipt() {
	if len(p.sends) == 0 {
		return
	}
	sent := p.sends[p.next()%len(p.sends)]
	statuses := []page.Receipt{
		{Status: page.Accepted, Class: page.Pending}, {Status: page.Delivered, Class: page.Arrived}, {Status: page.Undelivered, Class: page.Transient, Code: "30008"},
		{Status: page.Undelivered, Class: page.Dead, Code: "30034"}, {Status: page.OptedOut, Class: page.Barred, Code: "21610"}, {Status: page.Busy, Class: page.Dead},
	}
	r := statuses[p.next()%len(statuses)]
	r.Key, r.At = sent.Key, p.now
	if p.next()%11 == 0 {
		r.Key = "E-42/forged"
	}
	p.step(Reported{At: p.now, Receipt: r})
}

// acknowledge must end the paging: the ladder stops, nothing is sent in the same step, and what was decided before is
// not wanted any more.
func (p *player) acknowledge() {
	a := p.answer()
	again := p.state.heard(a.Key)
	effects := p.step(Acknowledged{At: p.now, Answer: a})
	done := false
	for _, effect := range effects {
		if r, ok := effect.(Reply); ok {
			done = r.Outcome == Done && !again
		}
		if sent, ok := effect.(Send); ok && sent.Purpose == page.Page {
			p.t.Fatalf("an acknowledge paged %s", sent.Person)
		}
	}
	if !done {
		return
	}
	if p.state.Climbing || p.state.Phase != Acked || p.state.Owner != a.By {
		p.t.Fatalf("%s was told that they have it: climbing %t, %s, owner %s", a.By, p.state.Climbing, p.state.Phase, p.state.Owner)
	}
	for _, sent := range p.sends {
		if sent.Purpose == page.Page && p.state.Wants(sent) {
			p.t.Fatalf("%s is still wanted after the acknowledge", sent.Key)
		}
	}
}

// heard: an answer with this key was given before.
func (s State) heard(key string) bool {
	for _, said := range s.Seen {
		if said.Key == key {
			return true
		}
	}
	return false
}

func (p *player) other() {
	switch p.next() % 4 {
	case 0:
		severities := []alert.Severity{alert.Critical, alert.Error, alert.Warning, alert.Info, "odd"}
		p.step(Repeated{At: p.now, Key: fmt.Sprint("repeat/", p.next()%40), Count: p.next() - 3, Severity: severities[p.next()%5]})
	case 1:
		p.step(VendorReported{At: p.now, Report: Report{
			Vendor: "acme", Name: "Acme", Number: 1 + p.next()%2, Seq: p.next() % 20, Kind: EntryAcknowledged,
			State: []Phase{Open, Acked, ResolvedP, Closed}[p.next()%4], Silent: p.next()%2 == 0, Text: "step",
		}})
	case 2:
		p.step(StoodDown{At: p.now, Reason: "over"})
	case 3:
		p.step(Opened{At: p.now, Opening: Opening{ID: "E-43"}})
	}
}

func FuzzStep(f *testing.F) {
	f.Add([]byte{3, 1, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 13, 0, 1, 0})
	for seed := range 40 {
		life := make([]byte, 400)
		x := uint32(seed*2654435761 + 1)
		for i := range life {
			x = x*1664525 + 1013904223
			life[i] = byte(x >> 24)
		}
		f.Add(life)
	}
	f.Fuzz(func(t *testing.T, life []byte) {
		if len(life) > 2000 {
			return
		}
		p := &player{t: t, bytes: life, now: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC), keys: map[string]bool{}}
		p.play()
	})
}

// A thousand lives in every run of the tests; the fuzzer lives longer ones.
func TestAThousandLives(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		life := make([]byte, 60+rng.IntN(600))
		for i := range life {
			life[i] = byte(rng.Uint32())
		}
		p := &player{t: t, bytes: life, now: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC), keys: map[string]bool{}}
		p.play()
	}
}
