// Package oncall says who is on call, now or over a span of time. It knows schedules and overrides only: whether that
// person can be reached is for policy to say. It has no clock; its results are in UTC.
//
// There is one rule and one function for it (stretch): what At says of an instant is what Shifts shows there.
//
// The rule: overrides made by hand come before those written in the blueprint, a later one in a list before an earlier
// one, all of them before the layers, a higher layer before a lower one. Whoever comes first and has somebody has duty.
package oncall

import (
	"slices"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Duty is one person on call for [From, Until). A zero From or Until means that it has no beginning or no end.
type Duty struct {
	Person   id.Person   `json:"person,omitempty"` // empty: nobody, a gap
	From     time.Time   `json:"from,omitzero"`
	Until    time.Time   `json:"until,omitzero"`
	Layer    string      `json:"layer,omitempty"`    // the layer whose turn it is; empty for an override
	Override id.Override `json:"override,omitempty"` // the override that put this person here
}

// Shift is a duty as a calendar shows it: cut to the window that was asked for.
type Shift = Duty

// At is who is on call at this instant. The duty is bounded by the turn: when the next turn is the same person's, it
// still ends with its own. When nobody is on call it is false, and the duty tells how long that lasts.
// Overrides are those made at run time; those of other schedules are ignored.
func At(s org.Schedule, overrides []org.Override, at time.Time) (Duty, bool) {
	d := rosterOf(s, overrides).stretch(at.UTC())
	return d, d.Person != ""
}

// Shifts are the duties of [from, until) in order, without holes: a time when nobody is on call is a shift without a
// person. Turns in a row by the same person from the same layer are one shift.
func Shifts(s org.Schedule, overrides []org.Override, from, until time.Time) []Shift {
	r := rosterOf(s, overrides)
	var shifts []Shift
	for at := from.UTC(); at.Before(until); {
		d := r.stretch(at)
		d.From, d.Until = at, sooner(d.Until, until.UTC())
		at = d.Until
		if last := len(shifts) - 1; last >= 0 && sameDuty(shifts[last], d) {
			shifts[last].Until = d.Until
			continue
		}
		shifts = append(shifts, d)
	}
	return shifts
}

// Gaps are the spans of [from, until) in which nobody is on call.
func Gaps(s org.Schedule, overrides []org.Override, from, until time.Time) []org.Interval {
	var gaps []org.Interval
	for _, shift := range Shifts(s, overrides, from, until) {
		if shift.Person == "" {
			gaps = append(gaps, org.Interval{From: shift.From, Until: shift.Until})
		}
	}
	return gaps
}

func sameDuty(a, b Duty) bool {
	return a.Person == b.Person && a.Layer == b.Layer && a.Override == b.Override
}

// roster is a schedule in the order in which it is asked.
type roster struct {
	overrides []org.Override
	layers    []layer
}

func rosterOf(s org.Schedule, live []org.Override) roster {
	var r roster
	for _, list := range [][]org.Override{live, s.Overrides} {
		for _, o := range slices.Backward(list) {
			elsewhere := o.Schedule != "" && o.Schedule != s.ID
			if elsewhere || o.Person == "" || !o.From.Before(o.Until) {
				continue
			}
			o.From, o.Until = o.From.UTC(), o.Until.UTC()
			r.overrides = append(r.overrides, o)
		}
	}
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, l := range slices.Backward(s.Layers) {
		l.Start, l.Until = l.Start.UTC(), l.Until.UTC()
		r.layers = append(r.layers, layer{Layer: l, zone: zone})
	}
	return r
}

// stretch is the longest span around an instant in which the same source gives the same turn.
func (r roster) stretch(at time.Time) Duty {
	var d Duty
	for _, o := range r.overrides {
		p := pieceOf(o, at)
		d.From, d.Until = later(d.From, p.from), sooner(d.Until, p.until)
		if p.person != "" {
			d.Person, d.Override = p.person, o.ID
			return d
		}
	}
	for _, l := range r.layers {
		p := l.piece(at)
		d.From, d.Until = later(d.From, p.from), sooner(d.Until, p.until)
		if p.person != "" {
			d.Person, d.Layer = p.person, l.Name
			return d
		}
	}
	return d
}

// piece is what one source says around an instant: this person, or nobody, for [from, until); zero is without end.
type piece struct {
	person id.Person
	from   time.Time
	until  time.Time
}

func pieceOf(o org.Override, at time.Time) piece {
	switch {
	case at.Before(o.From):
		return piece{until: o.From}
	case at.Before(o.Until):
		return piece{person: o.Person, from: o.From, until: o.Until}
	}
	return piece{from: o.Until}
}

// later is the later of two beginnings; the zero time is before all others already.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sooner is the earlier of two ends, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
