package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Request is what became of a request of a sender.
type Request struct {
	DedupKey   string
	Alert      alert.Alert
	Escalation id.Escalation // empty: it led to none
	Note       string        // why it led to none
	ReceivedAt time.Time
	SettledAt  time.Time // zero: not yet
}

// Senders knows what monitors sent by the names that they know it by.
type Senders interface {
	// Called is the newest escalation that an integration opened under a dedup key, or that holds it in its service. fault.NotFound.
	Called(ctx context.Context, in org.Integration, dedup string) (Escalation, error)
	// Request is what became of a request. fault.NotFound.
	Request(ctx context.Context, in id.Integration, trace string) (Request, error)
}

// Monitors lets a monitor look at what it sent, and say more about it than its state. The key of its integration opens the
// escalations of that integration, and those of its service that it shares a dedup key with, and nothing else.
type Monitors struct {
	Organisation Organisation
	Escalations  Escalations
	Senders      Senders
	Engine       Engine
	Intake       *Intake
	Now          func() time.Time
	Log          *slog.Logger
}

// Name is how a monitor names an escalation: by its own dedup key, or by our number.
type Name struct {
	Dedup string
	ID    id.Escalation
}

// settlesWithin is how long a word about an alert waits for the alert itself, which may have been sent a moment ago.
const settlesWithin = 2 * time.Second

// Find answers an escalation by name. An unknown key is fault.NotFound like an unknown name; a missing proof is fault.Unauthenticated.
func (m *Monitors) Find(ctx context.Context, d Delivery, n Name) (Escalation, error) {
	in, err := m.integration(d)
	if err != nil {
		return Escalation{}, err
	}
	return m.find(ctx, in, n)
}

func (m *Monitors) integration(d Delivery) (org.Integration, error) {
	in, ok := integrationByKey(m.Organisation.Current().Org, d.Key)
	if !ok {
		return org.Integration{}, fault.New(fault.Unauthenticated, "no integration has this key")
	}
	return in, proven(d.Dialect, in, d.Post)
}

func (m *Monitors) find(ctx context.Context, in org.Integration, n Name) (Escalation, error) {
	if n.ID == "" {
		e, err := m.Senders.Called(ctx, in, n.Dedup)
		return e, away(err)
	}
	e, err := m.Escalations.Get(ctx, n.ID)
	if err != nil {
		return Escalation{}, away(err)
	}
	if e.Integration != in.ID && e.Service != in.Service {
		return Escalation{}, fault.New(fault.NotFound, "escalation %s", n.ID) // whose it is, is nobody's business
	}
	return e, nil
}

// awaited finds an escalation that may be about to be opened.
func (m *Monitors) awaited(ctx context.Context, in org.Integration, n Name) (Escalation, error) {
	patience := time.After(settlesWithin)
	for {
		e, err := m.find(ctx, in, n)
		if !fault.Is(err, fault.NotFound) {
			return e, err
		}
		select {
		case <-ctx.Done():
			return Escalation{}, err
		case <-patience:
			return Escalation{}, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Say hands the word of a monitor to an escalation, once, and keeps the request beside it under its trace. The integration is who
// said it. about is how the sender calls what it does: "AddNote".
func (m *Monitors) Say(ctx context.Context, d Delivery, n Name, about, verb string, w contract.Word) (Escalation, error) {
	in, err := m.integration(d)
	if err != nil {
		return Escalation{}, err
	}
	if err := checkWord(m.Organisation.Current().Org, verb, w, m.Now()); err != nil {
		return Escalation{}, err
	}
	e, err := m.awaited(ctx, in, n)
	if err != nil {
		return Escalation{}, err
	}
	if e.State == escalation.Closed {
		return Escalation{}, fault.New(fault.Conflict, "%s is over", e.ID)
	}
	w.By, w.Name, w.Via, w.At, w.Key = id.Person("integration:"+string(in.ID)), string(in.ID), d.Dialect.Name, m.Now(), "asked/"+d.Trace
	if _, err := m.Engine.Say(ctx, contract.EscalationID(e.ID), verb, w); err != nil {
		return Escalation{}, err
	}
	// It is said. An error now would have it said again, and one who asks what became of it can only hear that we do not know.
	if err := m.keep(ctx, in, e, d, about); err != nil {
		m.Log.WarnContext(ctx, "the request of a monitor was done and not kept", "request", d.Trace, "escalation", e.ID, "error", err)
	}
	return e, nil
}

// Keep writes down a request about an escalation that changes nothing there.
func (m *Monitors) Keep(ctx context.Context, d Delivery, n Name, about string) (Escalation, error) {
	in, err := m.integration(d)
	if err != nil {
		return Escalation{}, err
	}
	e, err := m.awaited(ctx, in, n)
	if err != nil {
		return Escalation{}, err
	}
	return e, m.keep(ctx, in, e, d, about)
}

func (m *Monitors) keep(ctx context.Context, in org.Integration, e Escalation, d Delivery, about string) error {
	kept := alert.Alert{Action: alert.Ignore, Status: about, DedupKey: e.DedupKey, Title: e.Title, Severity: e.Severity}
	return m.Intake.Keep(ctx, in, kept, d)
}

// Asked is what became of a request of this integration: nothing yet while SettledAt is zero. fault.NotFound when it is not known.
func (m *Monitors) Asked(ctx context.Context, d Delivery, trace string) (Request, org.Integration, error) {
	in, err := m.integration(d)
	if err != nil {
		return Request{}, in, err
	}
	r, err := m.Senders.Request(ctx, in.ID, trace)
	return r, in, away(err)
}
