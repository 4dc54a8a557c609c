// Package surge decides, when many pages go to one person by one way, which leave at once and which are gathered into one
// message, and when that one leaves. It knows instants and priorities; no clock, no words, no carriers.
package surge

import (
	"slices"
	"time"

	"github.com/belayhq/belay/core/org"
)

// Rules are the numbers. A day on which alerts come one at a time never meets them.
type Rules struct {
	// Apart is how long nothing has left by a way before a page leaves it alone and at once, and how far apart messages
	// are kept otherwise.
	Apart time.Duration
	// Window is how long what has left is remembered: a storm is over when nothing has left by the way for so long.
	Window time.Duration
	// Few is how many messages may have left within the Window for a P1 to leave at once all the same.
	Few int
	// First is how long the first digest of a storm gathers; Later each one after it.
	First, Later time.Duration
	// Urgent is the longest that a P1 waits in a digest, if it is news: nothing has left by the way since it arose. Who got
	// something since then is awake, and has a list that names it: of a burst that drains slowly, nothing but P1s, each few
	// would be a message otherwise. P1s that are fewer than Many, or among others, wait no longer than this in any case.
	Urgent time.Duration
	Many   int
	// Openings that come late, after an outage, are gathered until nothing has come for Quiet, for Patience at most: the first
	// leaves at once, and one message catches up, P1s and all, in which only a P1 that is not late does not wait for the rest.
	Quiet, Patience time.Duration
	// Late is how long after its opening the first page of an escalation is late.
	Late time.Duration
}

// Usual rules: at most 7 messages in a minute by one way, of which one is a P1 that could not wait; 3 for a burst that is
// over in three quarters of a minute.
func Usual() Rules {
	return Rules{
		Apart: 10 * time.Second, Window: time.Minute, Few: 3,
		First: 12 * time.Second, Later: 30 * time.Second, Urgent: 9 * time.Second, Many: 3,
		Quiet: 3 * time.Second, Patience: time.Minute, Late: time.Minute,
	}
}

// Passed is one message that left by a way.
type Passed struct {
	Key    string    `json:"key"`
	At     time.Time `json:"at"`
	Digest bool      `json:"digest,omitempty"`
	Urgent bool      `json:"urgent,omitempty"` // a P1, or a digest with one
}

// Gathering is a digest that still grows.
type Gathering struct {
	Since  time.Time // its first page came
	Newest time.Time // its last one
	Urgent time.Time // its first P1 came; zero: none
	News   time.Time // its first P1 came that was news; zero: none
	Late   bool      // it catches up after an outage
	Pages  int       // in it
	P1s    int       // of which so many
}

// Way is what is known of one way to one person.
type Way struct {
	Passed    []Passed // lately, in order
	Gathering *Gathering
}

// Page is one that wants to leave.
type Page struct {
	Key      string
	At       time.Time
	Arose    time.Time // since when there is something to tell this person; zero: At
	Priority org.Priority
	Late     bool // the first page of an escalation that opened long ago
}

// Verdict says what becomes of a page.
type Verdict struct {
	Alone bool
	// Gathering as it is with the page, and when it leaves; not for one that leaves alone.
	Gathering Gathering
	Due       time.Time
}

// Decide what becomes of a page. One that was let through before, and is tried again, is let through again.
func (r Rules) Decide(w Way, p Page) Verdict {
	if w.let(p.Key) || r.alone(w, p) {
		return Verdict{Alone: true}
	}
	g := Gathering{Since: p.At}
	if w.Gathering != nil {
		g = *w.Gathering
	}
	g.Newest = latest(g.Newest, p.At)
	g.Late = g.Late || p.Late
	g.Pages++
	if p.Priority == org.P1 {
		g.P1s++
		if g.Urgent.IsZero() {
			g.Urgent = p.At
		}
		if g.News.IsZero() && !p.Late && p.news(w.Passed) {
			g.News = p.At
		}
	}
	return Verdict{Gathering: g, Due: latest(r.due(w.Passed, g), p.At)}
}

// news: nobody was told anything by this way since it arose.
func (p Page) news(passed []Passed) bool {
	arose := p.At
	if !p.Arose.IsZero() {
		arose = p.Arose
	}
	return !slices.ContainsFunc(passed, func(m Passed) bool { return m.At.After(arose) })
}

// alone: on its own and at once.
func (r Rules) alone(w Way, p Page) bool {
	if p.Priority == org.P1 && !p.Late {
		lately := r.within(w.Passed, p.At, r.Window)
		woken := slices.ContainsFunc(lately, func(m Passed) bool { return m.Urgent }) || w.Gathering != nil && !w.Gathering.Urgent.IsZero()
		if !woken && len(lately) < r.Few {
			return true
		}
	}
	return w.Gathering == nil && len(r.within(w.Passed, p.At, r.Apart)) == 0
}

// due is when a digest leaves.
func (r Rules) due(passed []Passed, g Gathering) time.Time {
	stormy := slices.ContainsFunc(passed, func(m Passed) bool { return m.Digest && m.At.After(g.Since.Add(-r.Window)) })
	catchingUp := g.Late && !stormy // in a storm that drains slowly everything is late
	due := g.Since.Add(r.First)
	switch {
	case stormy:
		due = g.Since.Add(r.Later)
	case catchingUp:
		due = earliest(g.Newest.Add(r.Quiet), g.Since.Add(r.Patience))
	}
	exception := g.P1s < r.Many || g.P1s < g.Pages
	if !g.Urgent.IsZero() && exception && !catchingUp {
		due = earliest(due, g.Urgent.Add(r.Urgent))
	}
	if !g.News.IsZero() {
		due = earliest(due, g.News.Add(r.Urgent))
	}
	for _, m := range passed {
		due = latest(due, m.At.Add(r.Apart))
	}
	return due
}

// Pass notes what leaves, and forgets what left too long ago to matter.
func (r Rules) Pass(passed []Passed, m Passed) []Passed {
	return append(r.within(passed, m.At, 2*r.Window), m)
}

func (r Rules) within(passed []Passed, at time.Time, length time.Duration) []Passed {
	return slices.DeleteFunc(slices.Clone(passed), func(m Passed) bool { return !m.At.After(at.Add(-length)) })
}

func (w Way) let(key string) bool {
	return slices.ContainsFunc(w.Passed, func(m Passed) bool { return m.Key == key })
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
