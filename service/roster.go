package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/oncall"
	"github.com/belayhq/belay/core/org"
)

// Roster is a schedule over a span of time, with what it is made of and what is wrong with it.
type Roster struct {
	Schedule  org.Schedule
	From      time.Time
	Until     time.Time
	Shifts    []oncall.Shift // who is on call, holes included
	Layers    []LayerShifts  // highest first
	Overrides []org.Override // those made by hand and those of the blueprint, by beginning
	Doubles   []Double
}

// LayerShifts is what one layer alone would say.
type LayerShifts struct {
	Name   string
	Shifts []oncall.Shift
}

// Double is a time at which one person is on call here and in another schedule.
type Double struct {
	Person id.Person
	Other  org.Schedule
	From   time.Time
	Until  time.Time
}

// Roster answers a schedule in [from, until). fault.NotFound.
func (o *OnCall) Roster(ctx context.Context, c Caller, s id.Schedule, from, until time.Time) (Roster, error) {
	shifts, err := o.Shifts(ctx, c, s, from, until)
	if err != nil {
		return Roster{}, err
	}
	now := o.Organisation.Current().Org
	schedule := now.Schedules[s]
	overrides, err := o.Overrides.List(ctx, "", from, until)
	if err != nil {
		return Roster{}, fmt.Errorf("read overrides: %w", err)
	}
	r := Roster{Schedule: schedule, From: from, Until: until, Shifts: shifts}
	for _, layer := range slices.Backward(schedule.Layers) {
		alone := schedule
		alone.Layers, alone.Overrides = []org.Layer{layer}, nil
		r.Layers = append(r.Layers, LayerShifts{Name: layer.Name, Shifts: oncall.Shifts(alone, nil, from, until)})
	}
	for _, all := range [][]org.Override{overrides, schedule.Overrides} {
		for _, v := range all {
			if (v.Schedule == s || v.Schedule == "") && v.From.Before(until) && v.Until.After(from) {
				r.Overrides = append(r.Overrides, v)
			}
		}
	}
	slices.SortStableFunc(r.Overrides, func(a, b org.Override) int { return a.From.Compare(b.From) })
	r.Doubles = doubles(now, schedule, overrides, shifts, from, until)
	return r, nil
}

// doubles finds who of these shifts is on call elsewhere at the same time.
func doubles(now *org.Org, s org.Schedule, overrides []org.Override, shifts []oncall.Shift, from, until time.Time) []Double {
	var found []Double
	for _, other := range byID(now.Schedules) {
		if other.ID == s.ID {
			continue
		}
		for _, theirs := range oncall.Shifts(other, overrides, from, until) {
			for _, mine := range shifts {
				if mine.Person == "" || mine.Person != theirs.Person || !mine.From.Before(theirs.Until) || !theirs.From.Before(mine.Until) {
					continue
				}
				found = append(found, Double{Person: mine.Person, Other: other, From: latest(mine.From, theirs.From), Until: earliest(mine.Until, theirs.Until)})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Double) int { return a.From.Compare(b.From) })
	return found
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Mine answers the shifts of one person in every schedule from now on, by beginning. Nobody has none.
func (o *OnCall) Mine(ctx context.Context, c Caller, ahead time.Duration) ([]FeedShift, error) {
	if err := o.Access.May(c, Read); err != nil {
		return nil, err
	}
	if c.Person == "" {
		return nil, nil
	}
	now := o.Now()
	all, err := o.between(ctx, "", now, now.Add(ahead))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(s FeedShift) bool { return s.Person != c.Person }), nil
}

// between is the shifts of one schedule, or of all, by beginning.
func (o *OnCall) between(ctx context.Context, s id.Schedule, from, until time.Time) ([]FeedShift, error) {
	overrides, err := o.Overrides.List(ctx, s, from, until)
	if err != nil {
		return nil, fmt.Errorf("read overrides: %w", err)
	}
	now := o.Organisation.Current().Org
	var all []FeedShift
	for _, schedule := range byID(now.Schedules) {
		if s != "" && schedule.ID != s {
			continue
		}
		for _, shift := range oncall.Shifts(schedule, overrides, from, until) {
			all = append(all, FeedShift{Schedule: schedule, Shift: shift, Name: now.People[shift.Person].Name})
		}
	}
	slices.SortStableFunc(all, func(a, b FeedShift) int { return a.From.Compare(b.From) })
	return all, nil
}

// Preview is what an override would change, before it is made.
type Preview struct {
	Override org.Override
	Before   []oncall.Shift // in its span
	After    []oncall.Shift
	Away     []org.Interval // absences of the person within it
	Doubles  []Double       // where else the person is on call meanwhile
	Silent   bool           // the person has no method by which they could be told
}

// Preview says what an override would change. It refuses what Create would refuse, and changes nothing.
func (v *Covers) Preview(ctx context.Context, c Caller, o org.Override) (Preview, error) {
	if err := v.Access.May(c, Override); err != nil {
		return Preview{}, err
	}
	now := v.Organisation.Current().Org
	if err := checkOverride(now, o, v.Now()); err != nil {
		return Preview{}, err
	}
	overrides, err := v.Overrides.List(ctx, "", o.From, o.Until)
	if err != nil {
		return Preview{}, fmt.Errorf("read overrides: %w", err)
	}
	for _, other := range overrides {
		if other.Schedule == o.Schedule && other.From.Before(o.Until) && other.Until.After(o.From) {
			return Preview{}, fault.New(fault.Conflict, "override %s already puts %s on schedule %s from %s until %s", other.ID, other.Person,
				other.Schedule, other.From.UTC().Format(time.RFC3339), other.Until.UTC().Format(time.RFC3339))
		}
	}
	schedule, person := now.Schedules[o.Schedule], now.People[o.Person]
	p := Preview{Override: o, Silent: len(person.Methods) == 0}
	p.Before = oncall.Shifts(schedule, overrides, o.From, o.Until)
	p.After = oncall.Shifts(schedule, append(slices.Clone(overrides), o), o.From, o.Until)
	for _, a := range person.Away {
		if a.From.Before(o.Until) && a.Until.After(o.From) {
			p.Away = append(p.Away, a)
		}
	}
	p.Doubles = doubles(now, schedule, overrides, p.After, o.From, o.Until)
	return p, nil
}
