package sla

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
)

// Alarm is something that is done at an instant, once for each key.
type Alarm struct {
	Key   string    `json:"key"` // "resolve-p1/1/80%/warn", "trigger/vip"
	At    time.Time `json:"at"`
	Clock id.SLA    `json:"clock,omitempty"` // empty: a trigger's
	Text  string    `json:"text"`            // one English sentence without its full stop
	Act   org.Act   `json:"act"`
}

// Reading is a clock as people read it.
type Reading struct {
	Name       id.SLA        `json:"name"`
	Metric     org.Metric    `json:"metric"`
	State      string        `json:"state"` // "running", "paused", "stopped", "cancelled"
	StartedAt  time.Time     `json:"started_at"`
	DueAt      time.Time     `json:"due_at,omitzero"` // zero: it stands
	WarnedAt   time.Time     `json:"warned_at,omitzero"`
	BreachedAt time.Time     `json:"breached_at,omitzero"`
	Paused     bool          `json:"paused,omitempty"`
	Reason     string        `json:"reason,omitempty"`
	Elapsed    time.Duration `json:"elapsed"`
	Target     time.Duration `json:"target"`
}

// Verdict is how a ticket stands at an instant, and what is to be done when: instants only.
type Verdict struct {
	Version  int          `json:"version"`
	Revision id.Revision  `json:"revision"`
	State    ticket.State `json:"state"`
	Priority org.Priority `json:"priority,omitempty"`
	Title    string       `json:"title,omitempty"`
	Readings []Reading    `json:"readings,omitempty"`
	Alarms   []Alarm      `json:"alarms,omitempty"`   // of clocks that run or stand, by instant; those that were reached included
	Triggers []Alarm      `json:"triggers,omitempty"` // those that hold now
	LookAt   time.Time    `json:"look_at,omitzero"`   // a trigger that waits for silence may hold from then on
	Problems []string     `json:"problems,omitempty"` // conditions that could not be evaluated
}

// Judge says how a ticket stands.
func (b Book) Judge(h ticket.History, at time.Time) Verdict {
	last := h.Last()
	clocks, problems := b.Clocks(h)
	v := Verdict{Version: len(h), Revision: b.Revision, State: last.State, Priority: last.Priority, Title: last.Title, Problems: problems}
	for _, c := range clocks {
		v.Readings = append(v.Readings, c.Read(at))
		if c.End == Running {
			v.Alarms = append(v.Alarms, c.Alarms()...)
		}
	}
	slices.SortStableFunc(v.Alarms, func(x, y Alarm) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Key, y.Key)) })
	if facts := h.Follow(); len(facts) > 0 && !last.State.Over() {
		var more []string
		v.Triggers, v.LookAt, more = b.triggered(facts[len(facts)-1], at)
		v.Problems = append(v.Problems, more...)
	}
	return v
}

// Read is the clock as people read it.
func (c Clock) Read(at time.Time) Reading {
	r := Reading{Name: c.SLA, Metric: c.Metric, State: "running", StartedAt: c.Started().UTC(), Elapsed: c.Elapsed(at), Target: c.Target}
	if r.Reason, r.Paused = c.Paused(); r.Paused {
		r.State = "paused"
	}
	if c.End != Running {
		r.State = string(c.End)
	}
	if due, seen := c.Due(); seen {
		r.DueAt = due
		if !due.After(at) {
			r.BreachedAt = due
		}
	}
	for n, t := range c.Thresholds {
		if t.Act.Do != org.Warn {
			continue
		}
		when, seen := c.instantOf(c.Thresholds[n])
		if seen && !when.After(at) && (r.WarnedAt.IsZero() || when.Before(r.WarnedAt)) {
			r.WarnedAt = when
		}
	}
	return r
}

// Warning is when the first of its warnings is reached, which may have passed. False when it has none or none can be seen.
func (c Clock) Warning() (first time.Time, seen bool) {
	for _, t := range c.Thresholds {
		if t.Act.Do != org.Warn {
			continue
		}
		if at, ok := c.instantOf(t); ok && (!seen || at.Before(first)) {
			first, seen = at, true
		}
	}
	return first, seen
}

// Alarms are the thresholds of a clock whose instants can be seen.
func (c Clock) Alarms() []Alarm {
	var list []Alarm
	for _, t := range c.Thresholds {
		at, seen := c.instantOf(t)
		if !seen {
			continue
		}
		list = append(list, Alarm{
			Key: fmt.Sprintf("%s/%d/%s/%s", c.SLA, c.Cycle, Point(t), actKey(t.Act)), At: at, Clock: c.SLA, Act: t.Act,
			Text: fmt.Sprintf("%s: %s", c.Name, c.says(t)),
		})
	}
	return list
}

// instantOf is when a threshold is reached.
func (c Clock) instantOf(t org.Threshold) (time.Time, bool) {
	offset := t.Offset
	if t.Percent > 0 {
		offset = share(c.Target, t.Percent) - c.Target
	}
	if !t.Wall {
		return c.Reaches(c.Target + offset)
	}
	due, seen := c.Due()
	if !seen {
		return due, false
	}
	at := due.Add(offset)
	if at.Before(c.Started()) {
		at = c.Started()
	}
	return at.UTC(), true
}

// share is so many percent, without overflow.
func share(whole time.Duration, percent int) time.Duration {
	p := time.Duration(percent)
	return whole/100*p + whole%100*p/100
}

// Point names a threshold: "80%", "30m before", "75% on the wall", "1h after", "breach".
func Point(t org.Threshold) string {
	wall := ""
	if t.Wall {
		wall = " on the wall"
	}
	switch {
	case t.Percent > 0:
		return fmt.Sprintf("%d%%", t.Percent) + wall
	case t.Offset < 0:
		return brief(-t.Offset) + " before" + wall
	case t.Offset > 0:
		return brief(t.Offset) + " after" + wall
	}
	return "breach"
}

// Name of a threshold: its point and what is done then. No two of one clock have the same.
func Name(t org.Threshold) string { return Point(t) + ": " + Deed(t.Act) }

// Deed says an act in words: "escalate hierarchic", "escalate to tier 2", "bring_in person eva".
func Deed(a org.Act) string {
	text := string(a.Do)
	if a.Direction != "" {
		text += " " + string(a.Direction)
	}
	if a.Tier > 0 {
		text += fmt.Sprintf(" to tier %d", a.Tier)
	}
	if a.Hook != "" {
		text += " " + a.Hook
	}
	for n, t := range a.Targets {
		if n > 0 {
			text += ","
		}
		text += " " + t.String()
	}
	return text
}

func actKey(a org.Act) string {
	key := string(a.Do)
	if a.Direction != "" {
		key += "-" + string(a.Direction)
	}
	if a.Tier > 0 {
		key += fmt.Sprintf("-%d", a.Tier)
	}
	if a.Hook != "" {
		key += "-" + a.Hook
	}
	for _, t := range a.Targets {
		key += "-" + t.String()
	}
	return key
}

func (c Clock) says(t org.Threshold) string {
	promise := words[c.Metric] + " is due within " + brief(c.Target)
	if t.Wall && t.Percent > 0 {
		t.Offset, t.Percent = share(c.Target, t.Percent)-c.Target, 0
	}
	switch {
	case t.Percent > 0 && t.Percent != 100:
		return fmt.Sprintf("%s, and %d%% of it is used", promise, t.Percent)
	case t.Offset < 0:
		return fmt.Sprintf("%s, and %s is left", promise, brief(-t.Offset))
	case t.Offset > 0:
		return fmt.Sprintf("%s, and is late by %s", promise, brief(t.Offset))
	}
	return promise + ", and is late"
}

var words = map[org.Metric]string{org.FirstResponse: "a first response", org.UpdateMetric: "an update", org.ResolveMetric: "the solution"}

// brief writes a duration as blueprints do: "1h30m".
func brief(d time.Duration) string {
	text := ""
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / unit.length; n > 0 {
			text += fmt.Sprintf("%d%s", n, unit.letter)
			d -= n * unit.length
		}
	}
	if text == "" {
		return "0s"
	}
	return text
}

// PingPong is how often a ticket may go back to a team that had it before, until its managers must decide.
const PingPong = 3

// pingPong stands behind the triggers of a blueprint; one with its id takes its place.
var pingPong = org.Trigger{ID: "ping-pong", Name: "it went back and forth between teams", Act: org.Act{Do: org.Escalate, Direction: org.Hierarchic}}

// triggered are the triggers that hold, and when to look again.
func (b Book) triggered(f ticket.Facts, at time.Time) (holding []Alarm, look time.Time, problems []string) {
	if f.Bounces >= PingPong && !slices.ContainsFunc(b.Triggers, func(t org.Trigger) bool { return t.ID == pingPong.ID }) {
		holding = append(holding, alarmOf(pingPong, f.At, fmt.Sprintf("it went back and forth between teams %d times", f.Bounces)))
	}
	for _, t := range b.Triggers {
		if !Meant(t.For, f.Ticket) {
			continue
		}
		since, why := f.At, t.Name
		if t.SilentFor > 0 {
			due, seen := b.silent(t, f)
			if !seen {
				continue
			}
			if due.After(at) {
				if look.IsZero() || due.Before(look) {
					look = due
				}
				continue
			}
			since, why = due, fmt.Sprintf("%s: %s has said nothing for %s", t.Name, f.Ticket.Assignee, brief(t.SilentFor))
		}
		if t.When != "" {
			truth, err := b.Holds(t.When, f)
			if err != nil {
				problems = append(problems, string(t.ID)+": when: "+err.Error())
			}
			if !truth {
				continue
			}
		}
		holding = append(holding, alarmOf(t, since, why))
	}
	return holding, look, problems
}

func (b Book) silent(t org.Trigger, f ticket.Facts) (time.Time, bool) {
	if f.SilentSince.IsZero() {
		return time.Time{}, false
	}
	hours, known := b.Calendars[t.Calendar]
	if !known {
		return f.SilentSince.Add(t.SilentFor).UTC(), true
	}
	due, err := calendar.Due(hours, f.SilentSince, t.SilentFor)
	return due, err == nil
}

func alarmOf(t org.Trigger, at time.Time, why string) Alarm {
	return Alarm{Key: "trigger/" + string(t.ID), At: at.UTC(), Text: why, Act: t.Act}
}
