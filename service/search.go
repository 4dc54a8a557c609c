package service

import (
	"context"
	"slices"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Search reads escalations and their timelines.
type Search struct {
	Escalations Escalations
	Runs        Runs    // nil: what the records do not say is not known
	Lights      *Lights // nil: the records are always asked
	Access      Access
}

// away says what still holds when the records do not answer: whoever looks has been woken.
func away(err error) error {
	if !fault.Is(err, fault.Unavailable) {
		return err
	}
	return fault.Wrap(fault.Unavailable, err,
		"our records do not answer. Escalations go on paging without them, and answers by SMS, phone, signed link and API are taken")
}

const (
	mostListed    = 200
	mostInBrief   = 1000
	listedUnasked = 50
	mostEntries   = 1000
)

// Get answers one escalation. fault.NotFound.
func (s *Search) Get(ctx context.Context, c Caller, e id.Escalation) (Escalation, error) {
	if err := s.Access.May(c, Read); err != nil {
		return Escalation{}, err
	}
	if _, err := e.Number(); err != nil {
		return Escalation{}, fault.New(fault.NotFound, "there is no escalation %q", e)
	}
	var row Escalation
	err := s.Lights.Ask(ctx, recordsWithin, func(ctx context.Context) (err error) {
		row, err = s.Escalations.Get(ctx, e)
		return err
	})
	if !fault.Is(err, fault.Unavailable) || s.Runs == nil {
		return row, away(err)
	}
	// How it stands is known to itself too. The time for the records may be up: this takes its own.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordsWithin)
	defer cancel()
	summary, failed := s.Runs.Stands(asking, e)
	if failed != nil {
		return Escalation{}, away(err)
	}
	return Escalation{Summary: summary, ServiceName: string(summary.Service)}, nil
}

// List answers a page of escalations, newest first.
func (s *Search) List(ctx context.Context, c Caller, f Filter) (Page, error) {
	if err := s.Access.May(c, Read); err != nil {
		return Page{}, err
	}
	if f.Limit == 0 {
		f.Limit = listedUnasked
	}
	most := mostListed
	if f.Brief {
		most = mostInBrief
	}
	if f.Limit < 1 || f.Limit > most {
		return Page{}, fault.Field("limit", "1 to %d, not %d", most, f.Limit)
	}
	for _, state := range f.States {
		switch state {
		case escalation.Watched, escalation.Open, escalation.Acked, escalation.ResolvedP, escalation.Closed:
		default:
			return Page{}, fault.Field("state", "%q is none of watching, open, acknowledged, resolved, closed", state)
		}
	}
	for _, p := range f.Priorities {
		if !slices.Contains(org.Priorities(), p) {
			return Page{}, knownPriority(p)
		}
	}
	if _, out := s.Lights.Out(); out { // a list that takes long says nothing about the records: it only believes others
		return Page{}, away(fault.New(fault.Unavailable, "the records are away"))
	}
	page, err := s.Escalations.List(ctx, f)
	return page, away(err)
}

// Timeline answers the entries of an escalation after a number, in order. At its end stand receipts that are known and
// will be written with the next entry, with the numbers that they will most likely have.
func (s *Search) Timeline(ctx context.Context, c Caller, e id.Escalation, after, limit int) ([]escalation.Entry, error) {
	if _, err := s.Get(ctx, c, e); err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = mostEntries
	}
	if limit < 1 || limit > mostEntries {
		return nil, fault.Field("limit", "1 to %d, not %d", mostEntries, limit)
	}
	if after < 0 {
		return nil, fault.Field("after", "a number from 0, not %d", after)
	}
	entries, err := s.Escalations.Timeline(ctx, e, after, limit)
	if err != nil || len(entries) == limit {
		return entries, away(err)
	}
	heard, err := s.Escalations.Heard(ctx, e)
	if err != nil {
		return nil, away(err)
	}
	for _, e := range heard {
		if e.Seq == after+len(entries)+1 && len(entries) < limit {
			entries = append(entries, e)
		}
	}
	return entries, nil
}
