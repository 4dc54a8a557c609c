// Package simulate plays an escalation to its end without telling anybody: who would be told, when, how, and who
// would be skipped and why. It runs the very machine that the workflow runs, on a clock of its own.
package simulate

import (
	"fmt"
	"sort"
	"time"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
)

// Line is one thing that would happen.
type Line struct {
	At      time.Time            `json:"at"`
	After   time.Duration        `json:"after_ns"` // since the opening
	Kind    escalation.EntryKind `json:"kind"`
	Text    string               `json:"text"`
	Tier    int                  `json:"tier,omitempty"`
	Person  id.Person            `json:"person,omitempty"`
	Name    string               `json:"name,omitempty"`
	Channel org.Channel          `json:"channel,omitempty"`
	Method  id.Method            `json:"method,omitempty"`
	Purpose page.Purpose         `json:"purpose,omitempty"`
	Vendor  id.Vendor            `json:"vendor,omitempty"`
	Reason  policy.Reason        `json:"reason,omitempty"`
}

// Scripted is something that people or carriers do in a simulation: when its condition holds, after a while.
type Scripted struct {
	// On waits for a message to this person; Channel and Nth narrow it down. Without On it counts from the opening.
	On      id.Person
	Channel org.Channel
	Nth     int // which of the matching messages; 0: the first
	After   time.Duration
	// Say is a verb (acknowledge, resolve, escalate, reassign, snooze, note, reopen, prioritise) by By (default: On).
	Say       string
	By        id.Person
	Note      string
	Direction org.Direction
	To        *org.Target
	For       time.Duration // snooze
	Priority  org.Priority
	// Receipt is what the carrier reports instead: for every matching message when Nth is 0.
	Receipt *page.Receipt
}

// Play is one simulation.
type Play struct {
	World   World
	Opening escalation.Opening
	Script  []Scripted
	// State, when it is there, is where the play begins instead of an opening: what would still happen after Now if
	// nobody said anything. Vendors that were called in before are not played.
	State   *escalation.State
	Now     time.Time
	Horizon time.Duration // how far to look; 0: a day
	Lines   int           // at most so many; 0: 500
}

// Run plays it. The result is in order of time.
func (p Play) Run() []Line {
	if p.Horizon == 0 {
		p.Horizon = 24 * time.Hour
	}
	if p.Lines == 0 {
		p.Lines = 500
	}
	s := &stage{play: p, started: p.Opening.OpenedAt, actors: map[string]*actor{}, heard: map[int]int{}}
	if p.State != nil {
		s.resume(*p.State, p.Now)
	} else {
		s.open(main, p.Opening, p.Opening.OpenedAt)
	}
	for i, cue := range p.Script {
		if cue.On == "" {
			s.later(s.started.Add(cue.After), func(at time.Time) { s.say(main, i, cue, at) })
		}
	}
	s.run()
	return s.lines
}

// main is the escalation itself among the actors; the others are vendors' engagements.
const main = ""

// resume takes up an escalation as it stands. What it has asked and not heard is answered now.
func (s *stage) resume(state escalation.State, now time.Time) {
	s.started = now
	s.actors[main] = &actor{state: state}
	if key := state.Stand.Asked; key != "" {
		s.later(now, func(at time.Time) {
			s.step(main, escalation.Mustered{At: at, Key: key, Roll: s.play.World.Muster(state.Stand.Call)})
		})
	}
}

type actor struct {
	state  escalation.State
	vendor id.Vendor
}

type stage struct {
	play    Play
	started time.Time
	actors  map[string]*actor
	queue   []cue
	order   int
	heard   map[int]int // messages that each line of the script has matched
	lines   []Line
}

type cue struct {
	at    time.Time
	order int
	do    func(at time.Time)
}

// later puts something on the clock; what is due at the same instant happens in the order it was decided.
func (s *stage) later(at time.Time, do func(at time.Time)) {
	s.order++
	s.queue = append(s.queue, cue{at: at, order: s.order, do: do})
}

func (s *stage) run() {
	until := s.started.Add(s.play.Horizon)
	for len(s.lines) < s.play.Lines {
		sort.SliceStable(s.queue, func(i, j int) bool {
			a, b := s.queue[i], s.queue[j]
			return a.at.Before(b.at) || a.at.Equal(b.at) && a.order < b.order
		})
		who, wake, ok := s.nextWake()
		switch {
		case len(s.queue) > 0 && (!ok || !s.queue[0].at.After(wake)):
			next := s.queue[0]
			s.queue = s.queue[1:]
			if next.at.After(until) {
				return
			}
			next.do(next.at)
		case ok && !wake.After(until):
			if wake.Before(s.started) {
				wake = s.started // what is late happens at once
			}
			s.step(who, escalation.Ticked{At: wake})
		default:
			return
		}
	}
}

func (s *stage) nextWake() (string, time.Time, bool) {
	var who string
	var best time.Time
	names := make([]string, 0, len(s.actors))
	for name := range s.actors {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if at, ok := s.actors[name].state.Wake(); ok && (best.IsZero() || at.Before(best)) {
			who, best = name, at
		}
	}
	return who, best, !best.IsZero()
}

func (s *stage) open(name string, o escalation.Opening, at time.Time) {
	a := &actor{}
	if o.Vendor != nil {
		a.vendor = o.Vendor.Vendor
	}
	s.actors[name] = a
	s.step(name, escalation.Opened{At: at, Opening: o})
}

func (s *stage) step(name string, e escalation.Event) {
	a, ok := s.actors[name]
	if !ok {
		return
	}
	var effects []escalation.Effect
	a.state, effects = escalation.Step(a.state, e)
	for _, effect := range effects {
		s.perform(name, effect, e.When())
	}
}

func vendorActor(v id.Vendor, number int) string { return fmt.Sprintf("%s.%d", v, number) }

func (s *stage) perform(name string, effect escalation.Effect, at time.Time) {
	a := s.actors[name]
	switch e := effect.(type) {
	case escalation.Muster:
		s.later(at, func(at time.Time) {
			s.step(name, escalation.Mustered{At: at, Key: e.Key, Roll: s.play.World.Muster(e.Call)})
		})
	case escalation.Reckon:
		s.later(at, func(at time.Time) {
			s.step(name, escalation.Reckoned{At: at, Key: e.Key, Due: s.play.World.Due(e.Calendar, e.From, e.For)})
		})
	case escalation.Compile:
		s.later(at, func(at time.Time) {
			plan, err := s.play.World.Compile(e)
			if err != nil {
				s.step(name, escalation.Unplanned{At: at, Key: e.Key, Final: true})
				return
			}
			s.step(name, escalation.Planned{At: at, Key: e.Key, Plan: plan})
		})
	case escalation.Send:
		s.send(name, a, e, at)
	case escalation.Engage:
		s.later(at, func(at time.Time) {
			if o, err := s.play.World.Engage(a.state.Summary(), e.Vendor, e.Number, at); err == nil {
				s.open(vendorActor(e.Vendor, e.Number), o, at)
			}
		})
	case escalation.Dismiss:
		s.later(at, func(at time.Time) {
			s.step(vendorActor(e.Vendor, e.Number), escalation.StoodDown{At: at, Reason: e.Reason})
		})
	case escalation.Tell:
		s.later(at, func(at time.Time) { s.step(main, escalation.VendorReported{At: at, Report: e.Report}) })
	case escalation.Record:
		s.record(e.Entry, a)
	case escalation.Bar, escalation.Show, escalation.Reply:
	}
}

// record shows an entry. Messages are shown when they are sent, a vendor's as its own.
func (s *stage) record(e escalation.Entry, a *actor) {
	if e.Kind == escalation.EntrySent || e.Detail["step"] == string(escalation.EntrySent) {
		return
	}
	s.line(Line{
		At: e.At, Kind: e.Kind, Text: e.Text, Tier: a.state.Tier + 1, Person: id.Person(e.Detail["person"]),
		Vendor: id.Vendor(e.Detail["vendor"]), Reason: policy.Reason(e.Detail["reason"]),
	})
}

func (s *stage) line(l Line) {
	l.After = l.At.Sub(s.started)
	s.lines = append(s.lines, l)
}

func (s *stage) send(name string, a *actor, e escalation.Send, at time.Time) {
	text := fmt.Sprintf("%s is paged by %s (%s)", e.Name, e.Channel, e.Method)
	if e.Purpose == page.Inform {
		text = fmt.Sprintf("%s is informed by %s (%s): %s", e.Name, e.Channel, e.Method, e.Brief.Text)
	}
	s.line(Line{
		At: at, Kind: escalation.EntrySent, Text: text, Tier: a.state.Tier + 1, Person: e.Person, Name: e.Name,
		Channel: e.Channel, Method: e.Method, Purpose: e.Purpose, Vendor: a.vendor,
	})
	for i, cue := range s.play.Script {
		if cue.On != e.Person || cue.Channel != "" && cue.Channel != e.Channel || e.Purpose != page.Page {
			continue
		}
		s.heard[i]++
		if cue.Receipt != nil && cue.Nth == 0 {
			r := *cue.Receipt
			r.Key = e.Key
			s.later(at.Add(cue.After), func(at time.Time) { s.step(name, escalation.Reported{At: at, Receipt: r}) })
			continue
		}
		if s.heard[i] == max(1, cue.Nth) {
			s.later(at.Add(cue.After), func(at time.Time) { s.say(name, i, cue, at) })
		}
	}
}

func (s *stage) say(name string, line int, c Scripted, at time.Time) {
	by := c.By
	if by == "" {
		by = c.On
	}
	answer := escalation.Answer{By: by, Via: "simulation", Key: fmt.Sprintf("script/%d", line), Note: c.Note}
	var event escalation.Event
	switch c.Say {
	case "acknowledge":
		event = escalation.Acknowledged{At: at, Answer: answer}
	case "resolve":
		event = escalation.Resolved{At: at, Answer: answer}
	case "escalate":
		event = escalation.Escalated{At: at, Answer: answer, Direction: c.Direction, To: c.To}
	case "reassign":
		if c.To == nil {
			return
		}
		event = escalation.Reassigned{At: at, Answer: answer, To: *c.To}
	case "snooze":
		event = escalation.Snoozed{At: at, Answer: answer, Until: at.Add(c.For)}
	case "note":
		event = escalation.Noted{At: at, Answer: answer}
	case "reopen":
		event = escalation.Reopened{At: at, Answer: answer}
	case "prioritise":
		event = escalation.Prioritised{At: at, Answer: answer, Priority: c.Priority}
	default:
		return
	}
	s.step(name, event)
}
