package servicetest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/service"
)

// Tickets keeps tickets; nobody is told of them.
type Tickets struct {
	mu     sync.Mutex
	kept   map[ticket.Ref]service.Watched
	lives  map[ticket.Ref]ticket.History
	heard  map[string]service.Observed
	opened int64
}

// Observe implements service.TicketStore.
func (s *Tickets) Observe(_ context.Context, o service.Observation, watch func(id.Escalation, ticket.Ticket) (*contract.Start, error)) (service.Observed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if got, known := s.heard[o.Source+" "+o.Key]; known && o.Key != "" {
		got.Known = true
		return got, nil
	}
	if s.kept == nil {
		s.kept, s.lives, s.heard = map[ticket.Ref]service.Watched{}, map[ticket.Ref]ticket.History{}, map[string]service.Observed{}
	}
	ref := o.Ticket.Ref
	w := s.kept[ref]
	got := service.Observed{Ticket: ref, Version: w.Version, Escalation: w.Escalation}
	if w.Version > 0 {
		got.Changed = ticket.Differences(w.Ticket, o.Ticket)
	}
	if w.Version == 0 || len(got.Changed) > 0 {
		w.Version++
		w.Ticket, w.ChangedAt, w.ObservedAt = o.Ticket, o.At, o.At
		s.lives[ref] = append(s.lives[ref], ticket.Version{At: o.At, Ticket: o.Ticket})
	}
	if w.Escalation == "" {
		start, err := watch(id.OfNumber(s.opened+1), o.Ticket)
		if err != nil {
			return got, err
		}
		if start != nil {
			s.opened++
			w.Escalation, w.Revision = start.Opening.ID, start.Opening.Plan.Revision
		}
	}
	s.kept[ref] = w
	got.Version, got.Escalation = w.Version, w.Escalation
	s.heard[o.Source+" "+o.Key] = got
	return got, nil
}

// Get implements service.TicketStore.
func (s *Tickets) Get(_ context.Context, r ticket.Ref) (service.Watched, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, known := s.kept[r]
	if !known {
		return w, fault.New(fault.NotFound, "ticket %s", r)
	}
	return w, nil
}

// Of implements service.TicketStore.
func (s *Tickets) Of(_ context.Context, e id.Escalation) (ticket.Ref, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ref, w := range s.kept {
		if w.Escalation == e {
			return ref, nil
		}
	}
	return ticket.Ref{}, fault.New(fault.NotFound, "a ticket that %s watches", e)
}

// History implements service.TicketStore.
func (s *Tickets) History(_ context.Context, r ticket.Ref) (ticket.History, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lives[r]), nil
}

// List implements service.TicketStore.
func (s *Tickets) List(_ context.Context, f service.TicketFilter) ([]service.Watched, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []service.Watched
	for _, w := range s.kept {
		if w.Ticket.System > f.After.System || w.Ticket.System == f.After.System && w.Ticket.Key > f.After.Key {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b service.Watched) int {
		return cmp.Or(cmp.Compare(a.Ticket.System, b.Ticket.System), cmp.Compare(a.Ticket.Key, b.Ticket.Key))
	})
	return list[:min(len(list), f.Limit)], nil
}

// Recalculate implements service.TicketStore.
func (s *Tickets) Recalculate(_ context.Context, to id.Revision, moves []service.Move, _ contract.TicketChanged, _ service.Deed) ([]service.Errand, []ticket.Ref, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []ticket.Ref
	for _, m := range moves {
		w := s.kept[m.Ticket]
		if w.Version != m.Version {
			left = append(left, m.Ticket)
			continue
		}
		w.Revision = to
		s.kept[m.Ticket] = w
	}
	return nil, left, nil
}

// Org says that every revision is the organisation as it is now.
func (o Organisation) Org(context.Context, id.Revision) (*org.Org, error) {
	return o.Current().Org, nil
}
