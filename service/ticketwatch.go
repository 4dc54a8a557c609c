package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
)

// TicketWatch makes observations of what ticket systems tell about tickets that others opened, as the blueprint says which of
// them are watched and what is read of them.
type TicketWatch struct {
	Tickets interface {
		Observe(ctx context.Context, o Observation) (Observed, error)
	}
	Store TicketStore
	Log   *slog.Logger

	mu       sync.Mutex
	programs map[string]compiled
}

// Observe takes one snapshot. A ticket that was observed once is observed on, also when it does not match any more: where it
// went is what its history is about.
func (w *TicketWatch) Observe(ctx context.Context, s org.TicketSystem, t tracker.Ticket) error {
	if len(s.Watch.Tickets) == 0 {
		return nil
	}
	seen := w.read(ctx, s, t)
	match, matches := w.match(ctx, s, t)
	if matches && !t.Gone {
		seen.Service, seen.Kind = match.Service, match.Kind
		return w.observe(ctx, s, t, seen)
	}
	known, err := w.Store.Get(ctx, seen.Ref)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read ticket %s: %w", seen.Ref, err)
	}
	if t.Gone {
		seen = known.Ticket
		seen.State = ticket.Cancelled
		t.Version = 0 // nothing comes after it
	}
	seen.Service, seen.Kind = known.Ticket.Service, known.Ticket.Kind
	return w.observe(ctx, s, t, seen)
}

func (w *TicketWatch) observe(ctx context.Context, s org.TicketSystem, t tracker.Ticket, seen ticket.Ticket) error {
	_, sides := tracker.Sides{}.Heard(t)
	o := Observation{Source: "ticket:" + string(s.ID), At: t.UpdatedAt, Ticket: seen, There: &TicketPlace{System: s.ID, ID: t.ID, Number: t.Number, URL: t.URL, Sides: sides}}
	if t.Version > 0 || !t.UpdatedAt.IsZero() {
		o.Counter = t.Version + 1 // some count from zero
	}
	if t.Gone {
		o.Counter, o.At, o.There = 0, time.Time{}, nil
	}
	_, err := w.Tickets.Observe(ctx, o)
	if err != nil {
		return fmt.Errorf("observe ticket %s: %w", seen.Ref, err)
	}
	return nil
}

// match finds what the ticket is about.
func (w *TicketWatch) match(ctx context.Context, s org.TicketSystem, t tracker.Ticket) (org.TicketMatch, bool) {
	for _, m := range s.Watch.Tickets {
		if m.When == "" {
			return m, true
		}
		p, err := w.compile(m.When, expr.Truth)
		if err == nil {
			var truth bool
			if truth, err = p.Test(t.Vars()); truth {
				return m, true
			}
		}
		w.complain(ctx, s, t, "when", err)
	}
	return org.TicketMatch{}, false
}

// read is the ticket in our words.
func (w *TicketWatch) read(ctx context.Context, s org.TicketSystem, t tracker.Ticket) ticket.Ticket {
	term := func(name, source string) string {
		if source == "" {
			return ""
		}
		p, err := w.compile(source, expr.Any)
		text := ""
		if err == nil {
			text, err = p.Text(t.Vars())
		}
		w.complain(ctx, s, t, name, err)
		return cut(strings.TrimSpace(text))
	}
	seen := ticket.Ticket{
		Ref: ticket.Ref{System: string(s.ID), Key: cmp.Or(t.Number, t.ID)}, Title: cut(cmp.Or(t.Title, t.Number)), URL: t.URL, Priority: t.Priority, State: t.State,
		Type: term("type", s.Watch.Type), Reason: term("reason", s.Watch.Reason), VIP: term("vip", s.Watch.VIP) == "true", Category: cut(t.Category), Team: cut(t.Team),
		Assignee: cut(t.Assignee), Customer: cut(t.Customer), OpenedAt: t.OpenedAt,
		RespondedAt: instantOf(term("responded_at", s.Watch.RespondedAt)), SpokeAt: instantOf(term("spoke_at", s.Watch.SpokeAt)),
	}
	if seen.State == "" {
		seen.State = ticket.Working // a word that nobody has mapped stops no clock
	}
	for _, name := range s.Watch.Labels {
		if value := t.Fields[name]; value != "" {
			if seen.Labels == nil {
				seen.Labels = map[string]string{}
			}
			seen.Labels[name] = value
		}
	}
	return seen
}

// complain of an expression that went wrong. What is not there is no mistake.
func (w *TicketWatch) complain(ctx context.Context, s org.TicketSystem, t tracker.Ticket, field string, err error) {
	if err != nil && !errors.Is(err, expr.ErrAbsent) {
		w.Log.WarnContext(ctx, "an expression about a ticket went wrong: it counts as not there", "system", s.ID, "ticket", t.Number, "field", "watch."+field, "error", err)
	}
}

func (w *TicketWatch) compile(source string, want expr.Yields) (expr.Program, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if known, ok := w.programs[source]; ok {
		return known.program, known.err
	}
	scope, err := expr.Snapshots()
	if err != nil {
		return expr.Program{}, err
	}
	if w.programs == nil || len(w.programs) >= mostConditions {
		w.programs = map[string]compiled{}
	}
	p, err := scope.Compile(source, want)
	w.programs[source] = compiled{p, err}
	return p, err
}

// cut keeps what another system says within what is taken.
func cut(text string) string {
	const most = 400 // bytes, as ticket.Ticket takes
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// instantOf reads an instant as systems write it: RFC 3339, or UTC without saying so.
func instantOf(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999-0700", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	return time.Time{}
}
