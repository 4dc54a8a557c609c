package service

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/page"
)

// Over puts the gathering of pages in front of a carrier.
func (d *Digests) Over(carrier Carrier) Carrier { return gathering{Digests: d, carrier: carrier} }

// gathering is a carrier that lets a page pass, or keeps it for the next digest.
type gathering struct {
	*Digests
	carrier Carrier
}

const bookProvider = "belay"

// Send passes on what leaves alone. What is kept is on its way as far as the ladder is concerned.
func (g gathering) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	waiting, ok := g.page(m)
	if !ok {
		return g.carrier.Send(ctx, m)
	}
	bounded, cancel := context.WithTimeout(ctx, bookPatience)
	defer cancel()
	alone, doubt := g.Book.Gather(bounded, waiting, g.Rules)
	if doubt != nil {
		g.Log.WarnContext(ctx, "nobody knows how many messages left lately; the page leaves", "key", m.Key, "error", doubt)
		alone = true
	}
	g.Meter.Page(alone)
	if !alone {
		return g.kept(m), nil
	}
	receipt, err := g.carrier.Send(ctx, m)
	if doubt != nil && err == nil && !errors.Is(doubt, errSpared) { // what did not leave may be kept: then it leaves with others
		g.retract(ctx, m.Key)
	}
	return receipt, err
}

// retract makes sure that a page which left is not told again: the database that gave no answer in time may have kept it.
func (g gathering) retract(ctx context.Context, key string) {
	done := g.Pool.Go(ctx, func(ctx context.Context) {
		for pause := time.Second; pause < retractWithin; pause *= 2 {
			bounded, cancel := context.WithTimeout(ctx, noteWithin)
			err := g.Book.Retract(bounded, key)
			cancel()
			if err == nil {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
		}
	})
	if !done {
		g.Log.WarnContext(ctx, "a page that left may be told again in a digest", "key", key)
	}
}

// retractWithin is about as long as a digest gathers.
const retractWithin = 20 * time.Second

// Find also finds what is kept, unless it left all the same.
func (g gathering) Find(ctx context.Context, m page.Message, since time.Time) (page.Receipt, bool, error) {
	if _, ok := g.page(m); ok {
		bounded, cancel := context.WithTimeout(ctx, bookPatience)
		defer cancel()
		if kept, err := g.Book.Waits(bounded, m.Key); err == nil && kept {
			earlier, left, err := g.carrier.Find(ctx, m, since)
			if err != nil || !left {
				return g.kept(m), true, nil
			}
			g.retract(ctx, m.Key)
			return earlier, true, nil
		}
	}
	return g.carrier.Find(ctx, m, since)
}

func (g gathering) kept(m page.Message) page.Receipt {
	return page.Receipt{
		Key: m.Key, Status: page.Gathered, Class: page.Pending, Provider: bookProvider, At: g.Now(),
		Reason: "many pages at once: it leaves with others in one message",
	}
}

// page reads a message that may be gathered. The link that it carries says who sent it, and when that was decided.
func (d *Digests) page(m page.Message) (Gathered, bool) {
	if m.Purpose != page.Page {
		return Gathered{}, false
	}
	if method, ok := d.Organisation.Current().Org.People[m.Person].Method(m.Method); !ok || method.Each {
		return Gathered{}, false
	}
	_, token, _ := strings.Cut(m.Link, "/a/")
	ticket, err := d.Links.Open(token)
	if err != nil || ticket.Key != m.Key {
		return Gathered{}, false
	}
	g := Gathered{
		Key: m.Key, Workflow: ticket.Workflow, Person: m.Person, Method: m.Method, Brief: m.Brief,
		DecidedAt: ticket.Expires.Add(-linkLife),
	}
	g.AroseAt = g.DecidedAt
	first := strings.HasPrefix(m.Key, string(m.Brief.Escalation)+"/t1/")
	if first && !m.Brief.OpenedAt.IsZero() {
		g.AroseAt = m.Brief.OpenedAt
	}
	g.Late = first && !m.Brief.OpenedAt.IsZero() && g.DecidedAt.Sub(m.Brief.OpenedAt) > d.Rules.Late
	return g, true
}

// Withdrawing is an engine that keeps pages from leaving once a human has answered.
type Withdrawing struct {
	Engine
	Digests *Digests
}

// withdrawWithin is how long the answer to a human waits for a message that is just leaving: whoever is told before the
// answer was not told after it.
const withdrawWithin = 2 * time.Second

// Say hands over a word; before it returns, nothing that the word has made pointless can leave any more.
func (w Withdrawing) Say(ctx context.Context, workflow, verb string, word contract.Word) (contract.Reply, error) {
	reply, err := w.Engine.Say(ctx, workflow, verb, word)
	if err == nil && quiets(verb, reply.Outcome) {
		w.Digests.withdraw(ctx, workflow, reply.Silent)
	}
	return reply, err
}

// quiets: after this answer nobody is to be paged of what was decided before it. Of what somebody has already, others may
// have been called in since: to acknowledge it once more says nothing about their pages.
func quiets(verb string, outcome escalation.Outcome) bool {
	switch verb {
	case contract.Resolve:
		return outcome != escalation.Refused
	case contract.Acknowledge, contract.Snooze:
		return outcome == escalation.Done || outcome == contract.Received
	}
	return false
}

// withdraw keeps what waits for a digest from leaving, and, from the instant at which the run fell silent, what leaves
// alone; then it waits for what is just leaving. Each for itself: trouble with one says nothing about the other.
func (d *Digests) withdraw(ctx context.Context, workflow string, silent time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawWithin)
	defer cancel()
	gathered, err := d.Book.Withdraw(ctx, workflow)
	if err != nil {
		d.Log.WarnContext(ctx, "pages that wait were not withdrawn; the record will tell that they are not wanted", "workflow", workflow, "error", err)
	}
	alone := false
	if !silent.IsZero() {
		if alone, err = d.Ledger.Silence(ctx, workflow, silent); err != nil {
			d.Log.WarnContext(ctx, "a page that was just leaving may arrive after the answer", "workflow", workflow, "error", err)
		}
	}
	d.gone(ctx, gathered, func() (bool, error) { return d.Book.Leaving(ctx, workflow) })
	d.gone(ctx, alone, func() (bool, error) { return d.Ledger.Leaving(ctx, workflow) })
}

// gone waits until nothing is leaving any more, or nobody can tell.
func (d *Digests) gone(ctx context.Context, leaving bool, look func() (bool, error)) {
	var err error
	for err == nil && leaving {
		select {
		case <-ctx.Done():
			return // it may have left: a carrier that slow is past calling back
		case <-time.After(10 * time.Millisecond):
		}
		leaving, err = look()
	}
	if err != nil {
		d.Log.WarnContext(ctx, "nobody knows whether a page is still leaving", "error", err)
	}
}
