// Package sla measures what was promised about tickets. A clock is a value made of a definition and a ticket's history:
// the stretches in which it ran and those in which it stood. It has no clock of its own: callers pass instants, and how a
// condition is evaluated is a port.
package sla

import (
	"time"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Clock is one run of a promise. A reset begins another cycle.
type Clock struct {
	SLA        id.SLA
	Name       string
	Metric     org.Metric
	Cycle      int // from 1
	Target     time.Duration
	Hours      *org.Calendar // nil: around the clock
	Thresholds []org.Threshold
	Segments   []Segment // in order, each beginning where the one before it ends
	End        End
	EndedAt    time.Time
}

// Segment is a stretch of a clock's life. Only the last one may have no end.
type Segment struct {
	From   time.Time
	Until  time.Time // zero: it lasts
	Paused bool
	Reason string // why it stands: "waiting: customer", "solved"
}

// End of a clock.
type End string

const (
	Running   End = ""
	Met       End = "stopped"   // what was promised has been done, in time or not
	Cancelled End = "cancelled" // the promise does not hold any more
)

// Started is when it began; zero: it has not.
func (c Clock) Started() time.Time {
	if len(c.Segments) == 0 {
		return time.Time{}
	}
	return c.Segments[0].From
}

// Paused says whether it stands, and why.
func (c Clock) Paused() (string, bool) {
	if c.End != Running || len(c.Segments) == 0 {
		return "", false
	}
	last := c.Segments[len(c.Segments)-1]
	return last.Reason, last.Paused
}

// Elapsed is how much of the target is used at an instant. It does not stop at the target.
func (c Clock) Elapsed(at time.Time) time.Duration {
	var used time.Duration
	for _, s := range c.Segments {
		until := s.Until
		if until.IsZero() || until.After(at) {
			until = at
		}
		if !s.Paused {
			used += c.counted(s.From, until)
		}
	}
	return used
}

// Reaches is when so much has been used. False when that is not to be seen: the clock stands, has ended before, or its
// calendar does not open.
func (c Clock) Reaches(used time.Duration) (time.Time, bool) {
	left := max(used, 0)
	for _, s := range c.Segments {
		if s.Paused {
			continue
		}
		if !s.Until.IsZero() {
			within := c.counted(s.From, s.Until)
			if within < left || within == 0 { // a stretch in which nothing counts decides nothing
				left -= within
				continue
			}
		}
		return c.after(s.From, left)
	}
	return time.Time{}, false
}

// Due is when the target is used up. False as with Reaches.
func (c Clock) Due() (time.Time, bool) { return c.Reaches(c.Target) }

func (c Clock) counted(from, until time.Time) time.Duration {
	if c.Hours == nil {
		return max(0, until.Sub(from))
	}
	return calendar.Elapsed(*c.Hours, from, until)
}

func (c Clock) after(from time.Time, left time.Duration) (time.Time, bool) {
	if c.Hours == nil {
		return from.Add(left).UTC(), true
	}
	due, err := calendar.Due(*c.Hours, from, left)
	return due, err == nil
}

// begin is a clock that starts to run.
func (d Definition) begin(at time.Time, cycle int) Clock {
	return Clock{
		SLA: d.ID, Name: d.Name, Metric: d.Metric, Cycle: cycle, Target: d.Target, Hours: d.Hours, Thresholds: d.Thresholds,
		Segments: []Segment{{From: at}},
	}
}

// stand and run turn a clock over; doing it twice is doing it once.
func (c Clock) stand(at time.Time, reason string) Clock {
	return c.turn(Segment{From: at, Paused: true, Reason: reason})
}

func (c Clock) run(at time.Time) Clock {
	c.End, c.EndedAt = Running, time.Time{}
	return c.turn(Segment{From: at})
}

func (c Clock) turn(next Segment) Clock {
	last := len(c.Segments) - 1
	if last >= 0 && c.Segments[last].Until.IsZero() {
		if c.Segments[last].Paused == next.Paused && c.Segments[last].Reason == next.Reason {
			return c
		}
		c = c.cut(next.From)
	}
	kept := c.Segments[:len(c.Segments):len(c.Segments)]
	c.Segments = append(kept, next)
	return c
}

// cut ends the last segment.
func (c Clock) cut(at time.Time) Clock {
	last := len(c.Segments) - 1
	if last < 0 || !c.Segments[last].Until.IsZero() {
		return c
	}
	kept := append([]Segment(nil), c.Segments...)
	if at.Before(kept[last].From) {
		at = kept[last].From
	}
	kept[last].Until = at
	c.Segments = kept
	return c
}

func (c Clock) end(at time.Time, how End) Clock {
	c = c.cut(at)
	c.End, c.EndedAt = how, at
	return c
}
