package sla

import (
	"slices"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
)

// Holds evaluates a condition. What it cannot evaluate does not hold; the error is for people.
type Holds func(condition string, f ticket.Facts) (bool, error)

// Definition is a promise with its calendar found.
type Definition struct {
	org.SLA
	Hours *org.Calendar // nil: around the clock
}

// Book is all that is promised and watched for under one revision.
type Book struct {
	Revision  id.Revision
	SLAs      []Definition // for each metric the first that is meant for a ticket counts
	Triggers  []org.Trigger
	Calendars map[id.Calendar]org.Calendar
	Holds     Holds
}

// Open makes the book of a revision. A calendar that is gone counts around the clock: a promise that is kept too early
// harms nobody, one without an end does.
func Open(revision id.Revision, o *org.Org, holds Holds) Book {
	b := Book{Revision: revision, Triggers: o.Triggers, Calendars: o.Calendars, Holds: holds}
	for _, s := range o.SLAs {
		d := Definition{SLA: s}
		if hours, known := o.Calendars[s.Calendar]; known {
			d.Hours = &hours
		}
		b.SLAs = append(b.SLAs, d)
	}
	return b
}

// Meant reports whether something is meant for a ticket.
func Meant(m org.Meant, t ticket.Ticket) bool {
	kind := t.Kind
	if kind == "" {
		kind = org.Technical
	}
	for name, value := range m.Labels {
		if t.Labels[name] != value {
			return false
		}
	}
	return among(m.Services, t.Service) && among(m.Kinds, kind) && among(m.Priorities, t.Priority) && among(m.Customers, t.Customer)
}

func among[T comparable](list []T, one T) bool { return len(list) == 0 || slices.Contains(list, one) }

// chosen are the places of the definitions that count for a ticket: one for each metric.
func (b Book) chosen(t ticket.Ticket) map[int]bool {
	taken := map[org.Metric]bool{}
	list := map[int]bool{}
	for n, d := range b.SLAs {
		if !taken[d.Metric] && Meant(d.For, t) {
			taken[d.Metric], list[n] = true, true
		}
	}
	return list
}

// Promised reports whether any promise is meant for a ticket.
func (b Book) Promised(t ticket.Ticket) bool { return len(b.chosen(t)) > 0 }

// Clocks follows a history from its first version: what was promised then, and how it stands. Clocks that never started
// are not among them. Problems are conditions that could not be evaluated.
func (b Book) Clocks(h ticket.History) (clocks []Clock, problems []string) {
	f := follower{book: b, facts: h.Follow(), problems: map[string]bool{}}
	chosen := make([]map[int]bool, len(h))
	for n, v := range h {
		chosen[n] = b.chosen(v.Ticket)
	}
	for n, d := range b.SLAs {
		if c, started := f.follow(d, func(version int) bool { return chosen[version][n] }); started {
			clocks = append(clocks, c)
		}
	}
	for p := range f.problems {
		problems = append(problems, p)
	}
	slices.Sort(problems)
	return clocks, problems
}

type follower struct {
	book     Book
	facts    []ticket.Facts
	problems map[string]bool
}

// holds is an explicit condition, or what the metric means by default.
func (f follower) holds(d Definition, part, condition string, at ticket.Facts, otherwise bool) bool {
	if condition == "" {
		return otherwise
	}
	truth, err := f.book.Holds(condition, at)
	if err != nil {
		f.problems[string(d.ID)+": "+part+": "+err.Error()] = true
		return false
	}
	return truth
}

// follow is one promise from version to version.
func (f follower) follow(d Definition, meant func(version int) bool) (c Clock, started bool) {
	cycle, dropped := 0, false // dropped: it ended since it was not meant for the ticket any more
	for n, now := range f.facts {
		if !meant(n) {
			if started && c.End == Running {
				c, dropped = c.end(now.At, Cancelled), true
			}
			continue
		}
		if !started || dropped {
			if !f.holds(d, "start", d.Start, now, !now.Ticket.State.Over()) {
				continue
			}
			cycle++
			c, started, dropped = f.start(d, n, cycle), true, false
		} else if c.End != Cancelled && f.resets(d, now) {
			cycle++
			c = d.begin(instant(now, now.Ticket.SpokeAt, d.Metric == org.UpdateMetric && d.Reset == "", c), cycle)
		}
		c = f.move(d, c, now)
	}
	return c, started
}

// start begins a clock: now, or, when it looks back, with the ticket, standing where the ticket stood.
func (f follower) start(d Definition, version, cycle int) Clock {
	now := f.facts[version]
	if !d.Retroactive || !now.Ticket.OpenedAt.Before(now.At) {
		return d.begin(now.At, cycle)
	}
	c := d.begin(now.Ticket.OpenedAt, cycle)
	for _, before := range f.facts[:version] {
		if before.At.Before(now.Ticket.OpenedAt) {
			before.At = now.Ticket.OpenedAt
		}
		c = f.pause(d, c, before)
	}
	return c
}

func (f follower) resets(d Definition, now ticket.Facts) bool {
	otherwise := d.Metric == org.UpdateMetric && slices.Contains(now.Changed, "spoke_at") && !now.Ticket.SpokeAt.IsZero()
	return f.holds(d, "reset", d.Reset, now, otherwise)
}

// move takes a running or stopped clock to the next version.
func (f follower) move(d Definition, c Clock, now ticket.Facts) Clock {
	t := now.Ticket
	if c.End == Cancelled {
		return c
	}
	if f.holds(d, "cancel", d.Cancel, now, t.State == ticket.Cancelled) {
		return c.end(now.At, Cancelled)
	}
	responded := d.Metric == org.FirstResponse && !t.RespondedAt.IsZero()
	if f.holds(d, "stop", d.Stop, now, responded || t.State.Over()) {
		if c.End == Met {
			return c
		}
		return c.end(instant(now, t.RespondedAt, responded && d.Stop == "", c), Met)
	}
	if c.End == Met { // it came back: the time while it was done does not count
		c = c.run(now.At)
	}
	return f.pause(d, c, now)
}

// pause stands or runs as this version says.
func (f follower) pause(d Definition, c Clock, now ticket.Facts) Clock {
	_, stands := c.Paused()
	waits := f.holds(d, "pause", d.Pause, now, now.Ticket.State == ticket.Waiting)
	if stands && d.Resume != "" {
		waits = !f.holds(d, "resume", d.Resume, now, false)
	}
	if !waits {
		return c.run(now.At)
	}
	reason := string(now.Ticket.State)
	if now.Ticket.Reason != "" {
		reason = now.Ticket.Reason
	}
	return c.stand(now.At, reason)
}

// instant is when something was done: when the ticket itself says so, else when the version began. It is never before the
// clock did, nor after the version.
func instant(now ticket.Facts, said time.Time, use bool, c Clock) time.Time {
	if !use || said.IsZero() || said.After(now.At) {
		return now.At
	}
	if begun := c.Segments[len(c.Segments)-1].From; said.Before(begun) {
		return begun
	}
	return said
}
