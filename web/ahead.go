package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/simulate"
)

const (
	aheadWithin = 1500 * time.Millisecond // how long a page waits for the workflow to say what it knows
	aheadFor    = 24 * time.Hour          // how far to look
	aheadLines  = 80
	aheadRungs  = 4   // of the ladder
	aheadKept   = 256 // escalations whose future is remembered
	aheadAgain  = 10 * time.Second
)

// ahead is what would still happen by itself if nobody said anything, by the plan that is frozen in the escalation and
// by who will be on call then.
type ahead struct {
	Rungs []coming
	More  bool
	Known bool // the workflow has said what it knows

	Calendar id.Calendar // on whose hours the clocks of the present tier run; empty: around the clock
}

// coming is one step of the ladder that is still to come.
type coming struct {
	At     time.Time
	Text   string // empty: more of what is going on now
	People []expected
	Notes  []simulate.Line
}

// expected is one person who would be told.
type expected struct {
	Person id.Person
	Name   string
	Ways   []simulate.Line
}

// foresight remembers what was asked of workflows, so that many open pages ask once per change.
type foresight struct {
	mu    sync.Mutex
	known map[id.Escalation]foreseen
}

type foreseen struct {
	seq  [2]int // of the row: entries, looks
	at   time.Time
	what ahead
}

// ahead asks the workflow and plays on from there. A page is shown without it: it is a help, not the record.
func (s *Site) ahead(ctx context.Context, e escalation.Summary) ahead {
	if s.Machines == nil || !live(e.State) {
		return ahead{}
	}
	s.foresight.mu.Lock()
	held, ok := s.foresight.known[e.ID]
	s.foresight.mu.Unlock()
	now := s.Now()
	if ok && held.seq == [2]int{e.Seq, e.Looks} && (held.what.Known || now.Sub(held.at) < aheadAgain) {
		return held.what.after(now)
	}
	ctx, cancel := context.WithTimeout(ctx, aheadWithin)
	defer cancel()
	state, err := s.Machines.Machine(ctx, e.ID)
	found := foreseen{seq: [2]int{e.Seq, e.Looks}, at: now}
	if err == nil {
		lines := simulate.Play{
			World: simulate.In{Directory: s.Organisation.Current()}, State: &state, Now: now, Horizon: aheadFor, Lines: aheadLines,
		}.Run()
		found.what = climbs(lines)
		found.what.Calendar = calendarOf(state)
	} else {
		s.Log.DebugContext(ctx, "workflow not asked what is to come", "escalation", e.ID, "error", err)
	}
	s.foresight.mu.Lock()
	defer s.foresight.mu.Unlock()
	if len(s.foresight.known) >= aheadKept || s.foresight.known == nil {
		s.foresight.known = map[id.Escalation]foreseen{}
	}
	s.foresight.known[e.ID] = found
	return found.what.after(now)
}

// after leaves out what should have happened by now: its record is on its way.
func (a ahead) after(now time.Time) ahead {
	a.Rungs = slices.DeleteFunc(slices.Clone(a.Rungs), func(c coming) bool { return c.At.Before(now) })
	return a
}

// climbs sorts the lines of a simulation into steps of the ladder.
func climbs(lines []simulate.Line) ahead {
	a := ahead{Known: true}
	current := func(at time.Time) *coming {
		if len(a.Rungs) == 0 {
			a.Rungs = append(a.Rungs, coming{At: at})
		}
		return &a.Rungs[len(a.Rungs)-1]
	}
	for _, l := range lines {
		switch l.Kind {
		case escalation.EntryTier:
			if len(a.Rungs) == aheadRungs {
				a.More = true
				return a
			}
			a.Rungs = append(a.Rungs, coming{At: l.At, Text: l.Text})
		case escalation.EntrySent:
			if l.Purpose == page.Page && l.Vendor == "" {
				current(l.At).expect(l)
			}
		case escalation.EntrySkipped, escalation.EntryUnreachable, escalation.EntryVendor, escalation.EntryOverdue, escalation.EntryThreshold:
			c := current(l.At)
			c.Notes = append(c.Notes, l)
		case escalation.EntryOpened, escalation.EntryReceipt, escalation.EntryAcknowledged, escalation.EntryResolved,
			escalation.EntryReopened, escalation.EntryClosed, escalation.EntryEscalated, escalation.EntryReassigned,
			escalation.EntrySnoozed, escalation.EntryNoted, escalation.EntryPrioritised, escalation.EntryRepeated,
			escalation.EntryWarning, escalation.EntryRefused:
		}
	}
	return a
}

func (c *coming) expect(l simulate.Line) {
	i := slices.IndexFunc(c.People, func(p expected) bool { return p.Person == l.Person })
	if i < 0 {
		c.People = append(c.People, expected{Person: l.Person, Name: l.Name})
		i = len(c.People) - 1
	}
	c.People[i].Ways = append(c.People[i].Ways, l)
}
