package service

import (
	"context"
	"strings"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tracker"
)

// TicketDesk joins escalations to tickets by hand.
type TicketDesk struct {
	Book interface {
		// Of lists the tickets of an escalation, oldest first.
		Of(ctx context.Context, e id.Escalation) ([]TicketLink, error)
		// Link joins a ticket that is there already. fault.Conflict when the escalation has another one there.
		Link(ctx context.Context, e id.Escalation, system id.TicketSystem, of tracker.Ticket) error
		// Ask lets a scribe make one, unless there is one.
		Ask(ctx context.Context, e id.Escalation, system id.TicketSystem) error
	}
	Organisation Organisation
	Trackers     func(org.TicketSystem) (Tracker, error)
	Access       Access
}

// Of lists the tickets of an escalation.
func (d *TicketDesk) Of(ctx context.Context, c Caller, e id.Escalation) ([]TicketLink, error) {
	if err := d.Access.May(c, Read); err != nil {
		return nil, err
	}
	return d.Book.Of(ctx, e)
}

// Join links a ticket, by the number that people know it by; without one, a new one is made soon. Doing it twice is doing it
// once. It answers all tickets of the escalation.
func (d *TicketDesk) Join(ctx context.Context, c Caller, e id.Escalation, system id.TicketSystem, number string) ([]TicketLink, error) {
	if err := d.Access.May(c, Answer); err != nil {
		return nil, err
	}
	if c.Role == Outsider {
		return nil, fault.New(fault.Denied, "%s may not link tickets", c.Actor())
	}
	known, there := d.Organisation.Current().Org.Tickets[system]
	if !there {
		return nil, fault.Field("system", "there is no ticket system %q", string(system))
	}
	number = strings.TrimSpace(number)
	if number == "" {
		if err := d.Book.Ask(ctx, e, system); err != nil {
			return nil, err
		}
		return d.Book.Of(ctx, e)
	}
	to, err := d.Trackers(known)
	if err != nil {
		return nil, err
	}
	found, err := to.Find(ctx, number)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Field("number", "%s has no ticket %q", system, number)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "look for the ticket in %s", system)
	}
	if err := d.Book.Link(ctx, e, system, found); err != nil {
		return nil, err
	}
	return d.Book.Of(ctx, e)
}
