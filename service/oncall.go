package service

import (
	"context"
	"fmt"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/oncall"
	"github.com/belayhq/belay/core/org"
)

// OnCall says who is on call at any instant, with overrides as they are on record.
type OnCall struct {
	Organisation Organisation
	Overrides    Overrides
	Access       Access
	Now          func() time.Time
}

// Seat is one schedule at one instant.
type Seat struct {
	Schedule org.Schedule
	Duty     oncall.Duty   // whose turn it is; without a person nobody is on call
	Name     string        // of that person
	Next     *oncall.Shift // who comes after; nil: nobody else within five weeks
}

const (
	nextWithin    = 35 * 24 * time.Hour
	longestWindow = 400 * 24 * time.Hour
)

// At answers the schedules of a team, one schedule, or all of them, at an instant; a zero instant is now.
func (o *OnCall) At(ctx context.Context, c Caller, at time.Time, s id.Schedule, team id.Team) ([]Seat, error) {
	if err := o.Access.May(c, Read); err != nil {
		return nil, err
	}
	if at.IsZero() {
		at = o.Now()
	}
	now := o.Organisation.Current().Org
	if _, ok := now.Teams[team]; team != "" && !ok {
		return nil, fault.Field("team", "there is no team %q", team)
	}
	if _, ok := now.Schedules[s]; s != "" && !ok {
		return nil, fault.Field("schedule", "there is no schedule %q", s)
	}
	overrides, err := o.Overrides.List(ctx, s, at, at.Add(nextWithin))
	if err != nil {
		return nil, fmt.Errorf("read overrides: %w", err)
	}
	var seats []Seat
	for _, schedule := range byID(now.Schedules) {
		if s != "" && schedule.ID != s || team != "" && schedule.Team != team {
			continue
		}
		seats = append(seats, seat(now, schedule, overrides, at))
	}
	return seats, nil
}

func seat(now *org.Org, s org.Schedule, overrides []org.Override, at time.Time) Seat {
	duty, _ := oncall.At(s, overrides, at)
	found := Seat{Schedule: s, Duty: duty, Name: now.People[duty.Person].Name}
	for _, shift := range oncall.Shifts(s, overrides, at, at.Add(nextWithin)) {
		if shift.Person != "" && shift.Person != duty.Person {
			found.Next = &shift
			break
		}
	}
	return found
}

// Shifts answers the shifts of one schedule in [from, until), holes included. Without from it begins now, without
// until it ends four weeks later. fault.NotFound.
func (o *OnCall) Shifts(ctx context.Context, c Caller, s id.Schedule, from, until time.Time) ([]oncall.Shift, error) {
	if err := o.Access.May(c, Read); err != nil {
		return nil, err
	}
	schedule, ok := o.Organisation.Current().Org.Schedules[s]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no schedule %q", s)
	}
	if from.IsZero() {
		from = o.Now()
	}
	if until.IsZero() {
		until = from.Add(28 * 24 * time.Hour)
	}
	if !from.Before(until) {
		return nil, fault.Field("until", "must come after from")
	}
	if until.Sub(from) > longestWindow {
		return nil, fault.Field("until", "400 days are answered at most")
	}
	overrides, err := o.Overrides.List(ctx, s, from, until)
	if err != nil {
		return nil, fmt.Errorf("read overrides: %w", err)
	}
	return oncall.Shifts(schedule, overrides, from, until), nil
}
