package service

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Covers puts people in place of others for a while.
type Covers struct {
	Organisation Organisation
	Overrides    Overrides
	Access       Access
	Now          func() time.Time
}

const longestOverride = 366 * 24 * time.Hour

// List answers the overrides made by hand that touch [from, until), of one schedule or, with none named, of all.
func (v *Covers) List(ctx context.Context, c Caller, s id.Schedule, from, until time.Time) ([]org.Override, error) {
	if err := v.Access.May(c, Read); err != nil {
		return nil, err
	}
	if from.IsZero() {
		from = v.Now()
	}
	if until.IsZero() {
		until = from.Add(longestOverride)
	}
	if !from.Before(until) {
		return nil, fault.Field("until", "must come after from")
	}
	if s != "" {
		if _, ok := v.Organisation.Current().Org.Schedules[s]; !ok {
			return nil, fault.New(fault.NotFound, "there is no schedule %q", s)
		}
	}
	return v.Overrides.List(ctx, s, from, until)
}

// Create makes an override; its ID is given by those who keep it. fault.Conflict when it overlaps another of the same schedule.
func (v *Covers) Create(ctx context.Context, c Caller, o org.Override) (org.Override, error) {
	if err := v.Access.May(c, Override); err != nil {
		return org.Override{}, err
	}
	now := v.Now()
	if err := checkOverride(v.Organisation.Current().Org, o, now); err != nil {
		return org.Override{}, err
	}
	made, err := v.Overrides.Create(ctx, o, Deed{
		At: now, Actor: c.Actor(), Via: c.Via, Action: "override.create",
		Subject: "schedule " + string(o.Schedule), Reason: o.Reason,
		Detail: map[string]string{
			"person": string(o.Person),
			"from":   o.From.UTC().Format(time.RFC3339), "until": o.Until.UTC().Format(time.RFC3339),
		},
	})
	if err != nil {
		return org.Override{}, fmt.Errorf("override schedule %s: %w", o.Schedule, err)
	}
	return made, nil
}

// Delete takes an override back. fault.NotFound.
func (v *Covers) Delete(ctx context.Context, c Caller, o id.Override, reason string) error {
	if err := v.Access.May(c, Override); err != nil {
		return err
	}
	return v.Overrides.Delete(ctx, o, Deed{
		At: v.Now(), Actor: c.Actor(), Via: c.Via, Action: "override.delete",
		Subject: "override " + string(o), Reason: reason,
	})
}

func checkOverride(now *org.Org, o org.Override, at time.Time) error {
	if _, ok := now.Schedules[o.Schedule]; !ok {
		return fault.Field("schedule", "there is no schedule %q", o.Schedule)
	}
	p, ok := now.People[o.Person]
	switch {
	case !ok || p.Departed:
		return fault.Field("person", "there is no person %q", o.Person)
	case p.Vendor != "":
		return fault.Field("person", "%s works for vendor %s and stands in no schedule of ours", o.Person, p.Vendor)
	case o.From.IsZero():
		return fault.Field("from", "say from when")
	case o.Until.IsZero():
		return fault.Field("until", "say until when")
	case !o.From.Before(o.Until):
		return fault.Field("until", "must come after from")
	case !o.Until.After(at):
		return fault.Field("until", "%s has passed", o.Until.Format(time.RFC3339))
	case o.Until.Sub(o.From) > longestOverride:
		return fault.Field("until", "an override lasts 366 days at most")
	case utf8.RuneCountInString(o.Reason) > 500:
		return fault.Field("reason", "500 characters are allowed")
	}
	return nil
}
