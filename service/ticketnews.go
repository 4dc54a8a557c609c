package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/core/tracker"
)

func asBook(err error, book **bookTrouble) bool { return errors.As(err, book) }

// TicketNews takes what ticket systems tell, by webhook or when they are asked: what others changed in the ticket of an
// escalation is said to it. The same news twice, late, or caused by ourselves, says nothing.
type TicketNews struct {
	Book         TicketBook
	Organisation Organisation
	Engine       Engine
	// Observe takes tickets that no escalation opened; nil: nobody watches them.
	Observe func(ctx context.Context, system org.TicketSystem, t tracker.Ticket) error
	Now     func() time.Time
	Log     *slog.Logger

	once   sync.Once
	places chan struct{} // each holds a connection while an escalation is told
}

const newsAtOnce = 4

// Take hears one snapshot. An error that is retryable means: tell it again.
func (n *TicketNews) Take(ctx context.Context, t tracker.Ticket) error {
	system, known := n.Organisation.Current().Org.Tickets[id.TicketSystem(t.System)]
	if !known {
		return fault.New(fault.NotFound, "ticket system %s", t.System)
	}
	links, err := n.Book.Named(ctx, system.ID, t.ID, t.Correlation)
	if err != nil {
		return fmt.Errorf("find the escalations of ticket %s: %w", t.Number, err)
	}
	if n.Observe != nil && (len(links) == 0 || slices.ContainsFunc(links, func(l TicketLink) bool { return l.Watched })) {
		err = n.Observe(ctx, system, t)
	}
	for _, l := range links {
		err = errors.Join(err, n.hear(ctx, system, l, t))
	}
	return err
}

// hear says to one escalation what has changed in its ticket.
func (n *TicketNews) hear(ctx context.Context, system org.TicketSystem, link TicketLink, t tracker.Ticket) error {
	if t.Gone {
		return n.Book.Gone(ctx, link.ID, "it was deleted there")
	}
	if link.Ticket == "" {
		return nil // being made: whoever makes it sees how it stands
	}
	// Asked without the lock first: most of what comes is an echo.
	if news, _ := link.Sides.Heard(t); len(news) == 0 && t.Version <= link.Sides.Version {
		return nil
	}
	n.once.Do(func() { n.places = make(chan struct{}, newsAtOnce) })
	select {
	case n.places <- struct{}{}:
		defer func() { <-n.places }()
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "hear what changed in ticket %s", t.Number)
	}
	return n.Book.Alter(ctx, link.ID, func(now TicketLink) (tracker.Sides, error) {
		news, sides := now.Sides.Heard(t)
		for _, one := range news {
			agreed, err := n.say(ctx, system, now, t, one)
			if err != nil {
				return now.Sides, err // all of it is heard again; what was said already is known by its key
			}
			if agreed {
				sides = sides.Agreed(one)
			}
		}
		return sides, nil
	})
}

// say tells an escalation what somebody changed in its ticket. Agreed: our side is, or is about to be, as theirs.
func (n *TicketNews) say(ctx context.Context, system org.TicketSystem, l TicketLink, t tracker.Ticket, news tracker.News) (agreed bool, err error) {
	verb, word := n.word(system, l, t, news)
	if l.Watched {
		verb, word = n.watched(l, t, news, verb, word)
	}
	if verb == "" {
		return true, nil
	}
	word.Via, word.At = string(system.ID), n.Now()
	word.Key = fmt.Sprintf("ticket/%d/%d/%s/%s", l.ID, t.Version, news.Field, news.Now)
	reply, err := n.Engine.Say(ctx, contract.EscalationID(l.Escalation), verb, word)
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound):
		return true, nil // over: nobody will ever say otherwise
	case err != nil && !fault.Retryable(err):
		n.Log.WarnContext(ctx, "an escalation did not take what its ticket says", "escalation", l.Escalation, "ticket", t.Number, "field", news.Field, "error", err)
		return false, nil
	case err != nil:
		return false, fmt.Errorf("tell %s what changed in %s: %w", l.Escalation, t.Number, err)
	}
	return reply.Outcome != escalation.Refused, nil
}

// word is what a change means to an escalation; no verb: nothing.
func (n *TicketNews) word(system org.TicketSystem, l TicketLink, t tracker.Ticket, news tracker.News) (verb string, w contract.Word) {
	w.By, w.Name = n.who(system, t)
	switch news.Field {
	case tracker.FieldPriority:
		w.Priority = org.Priority(news.Now)
		w.Note = fmt.Sprintf("%s became %s", t.Number, news.Now)
		return contract.Prioritise, w
	case tracker.FieldAssignee:
		if news.Now == "" {
			w.Note = fmt.Sprintf("nobody has %s any more", t.Number)
			return contract.Note, w
		}
		if t.State.Over() {
			return "", w
		}
		w.Note = fmt.Sprintf("%s is theirs in %s", t.Number, system.Name)
		if to, ours := n.person(system, news.Now); ours && l.Sides.Fields[tracker.FieldAssignee].Ours != "" {
			w.By, w.Name = id.Person("ticket:"+string(system.ID)), system.Name
			w.To = &org.Target{Person: to}
			return contract.Reassign, w
		}
		return contract.Acknowledge, w
	case tracker.FieldState:
		was, now := ticket.State(news.Was), ticket.State(news.Now)
		switch {
		case now.Over():
			w.Note = fmt.Sprintf("%s is %s in %s", t.Number, news.Now, system.Name)
			return contract.Resolve, w
		case was.Over():
			w.Note = fmt.Sprintf("%s came back in %s", t.Number, system.Name)
			return contract.Reopen, w
		case now == ticket.Working && was == ticket.New:
			w.Note = fmt.Sprintf("somebody works on %s in %s", t.Number, system.Name)
			return contract.Acknowledge, w
		}
	}
	return "", w
}

// watched is what such a change means to an escalation that watches the ticket. Whether the ticket is over it hears otherwise,
// with everything else that its history tells. While it only watches there is nothing to take. Once it has called people, it
// does not rest because somebody of whom we know nothing took the ticket: that they pass it on may be why it called them.
func (n *TicketNews) watched(l TicketLink, t tracker.Ticket, news tracker.News, verb string, w contract.Word) (string, contract.Word) {
	awake := l.Phase == escalation.Open || l.Phase == escalation.Acked
	switch {
	case news.Field == tracker.FieldPriority && (awake || l.Phase == escalation.Watched):
		return verb, w
	case !awake || news.Field == tracker.FieldPriority || verb == contract.Resolve || verb == contract.Reopen:
		return "", w
	case verb == contract.Acknowledge && strings.HasPrefix(string(w.By), "ticket:"):
		if news.Field == tracker.FieldAssignee {
			w.Note = fmt.Sprintf("%s went to %s", t.Number, t.Assignee)
		}
		w.By, w.Name = id.Person("ticket:"+string(l.System)), string(l.System)
		return contract.Note, w
	case verb == contract.Reassign && l.Owner == "":
		w.By, w.Name, w.To = w.To.Person, n.Organisation.Current().Org.People[w.To.Person].Name, nil
		return contract.Acknowledge, w
	}
	return verb, w
}

// who speaks: whoever has the ticket, else the system itself.
func (n *TicketNews) who(system org.TicketSystem, t tracker.Ticket) (id.Person, string) {
	if p, ours := n.person(system, t.Assignee); ours {
		return p, n.Organisation.Current().Org.People[p].Name
	}
	if t.Assignee != "" {
		return id.Person(strangerPrefix(system.ID) + t.Assignee), t.Assignee
	}
	return id.Person("ticket:" + string(system.ID)), system.Name
}

func (n *TicketNews) person(system org.TicketSystem, theirs string) (id.Person, bool) {
	if theirs == "" {
		return "", false
	}
	for p, as := range system.People {
		if as == theirs {
			_, there := n.Organisation.Current().Org.People[p]
			return p, there
		}
	}
	return "", false
}

// TicketPoll asks ticket systems what changed, to make up for webhooks that were lost. One process asks each system at a
// time. Asking again for what is known already changes nothing, so it asks for a while before the last answer, too.
type TicketPoll struct {
	Book         TicketBook
	Organisation Organisation
	Trackers     func(org.TicketSystem) (Tracker, error)
	News         *TicketNews
	Log          *slog.Logger
	Every        time.Duration // zero: one minute
}

const (
	pollOverlap = 5 * time.Minute // clocks of two houses, and an index that is behind
	pollPages   = 50
)

// Run asks until the context ends.
func (p *TicketPoll) Run(ctx context.Context) {
	every := p.every()
	tick := time.NewTicker(min(every, 5*time.Second))
	defer tick.Stop()
	for {
		p.Sweep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *TicketPoll) every() time.Duration {
	if p.Every == 0 {
		return time.Minute
	}
	return p.Every
}

// Sweep asks every system whose turn it is, side by side.
func (p *TicketPoll) Sweep(ctx context.Context) {
	systems := p.Organisation.Current().Org.Tickets
	done := make(chan struct{})
	for _, name := range sortedSystems(systems) {
		go func() {
			defer func() { done <- struct{}{} }()
			if err := p.ask(ctx, systems[name]); err != nil && ctx.Err() == nil {
				p.Log.WarnContext(ctx, "a ticket system could not be asked what changed; it is asked again", "system", name, "error", err)
			}
		}()
	}
	for range systems {
		<-done
	}
}

func (p *TicketPoll) ask(ctx context.Context, system org.TicketSystem) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cursor, now, mine, err := p.Book.TakePoll(ctx, system.ID, p.every())
	if err != nil || !mine {
		return err
	}
	from, err := p.Trackers(system)
	if err != nil {
		return err
	}
	since := cursor.Add(-pollOverlap)
	for range pollPages {
		changed, more, err := from.Changed(ctx, since, now)
		if err != nil {
			return err
		}
		last := since
		for _, t := range changed {
			t.System = string(system.ID)
			if err := p.News.Take(ctx, t); err != nil {
				if fault.Retryable(err) {
					return err // the cursor stays before it
				}
				p.Log.WarnContext(ctx, "a ticket says what cannot be taken", "system", system.ID, "ticket", t.Number, "error", err)
			}
			if t.UpdatedAt.After(last) {
				last = t.UpdatedAt
			}
		}
		if !more || !last.After(since) {
			return p.Book.KeepCursor(ctx, system.ID, now)
		}
		if err := p.Book.KeepCursor(ctx, system.ID, last); err != nil {
			return err
		}
		since = last
	}
	return nil
}
