package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/tracker"
	"github.com/belayhq/belay/integrations/anyrest"
	"github.com/belayhq/belay/integrations/jira"
	"github.com/belayhq/belay/integrations/servicenow"
	"github.com/belayhq/belay/service"
)

// Tickets is how ticket systems of the blueprint are reached.
type Tickets struct {
	Secrets map[string]string // by the names that the blueprint gives them
	Allow   []netip.Prefix
}

func ticketSecrets(o *Options, value string) error {
	if err := json.Unmarshal([]byte(value), &o.Tickets.Secrets); err != nil {
		return errors.New(`want a JSON object of strings, as {"snow":"user:password"}`) // the value is a secret
	}
	return nil
}

// ticketWithin bounds one request: instances of ServiceNow take their time.
const ticketWithin = 15 * time.Second

// ticketClients are the systems that were reached, as the blueprint had them then: connections are kept.
type ticketClients struct {
	Tickets
	mu    sync.Mutex
	known map[id.TicketSystem]ticketClient
}

type ticketClient struct {
	system org.TicketSystem
	to     service.Tracker
}

// reach answers a client for a system as the blueprint has it now.
func (t *ticketClients) reach(s org.TicketSystem) (service.Tracker, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c, known := t.known[s.ID]; known && reflect.DeepEqual(c.system, s) {
		return c.to, nil
	}
	to, err := t.client(s)
	if err != nil {
		return nil, err
	}
	if t.known == nil {
		t.known = map[id.TicketSystem]ticketClient{}
	}
	t.known[s.ID] = ticketClient{s, to}
	return to, nil
}

func (t *ticketClients) client(s org.TicketSystem) (service.Tracker, error) {
	switch s.Type {
	case org.ServiceNow:
		return servicenow.New(s, t.Secrets[s.Secret], t.Allow, ticketWithin)
	case org.Jira:
		return jira.New(s, t.Secrets[s.Secret], t.Allow, ticketWithin)
	case org.REST:
		return anyrest.New(s, t.Secrets[s.Secret], t.Allow, ticketWithin)
	}
	return nil, fault.New(fault.Invalid, "ticket system %s is of the unknown type %q", s.ID, s.Type)
}

// ticketNews takes a webhook of a ticket system.
func (a *App) ticketNews(ctx context.Context, name string, p alert.Post) error {
	system, known := a.rooms.directory.Current().Org.Tickets[id.TicketSystem(name)]
	if !known || system.Hook == "" {
		return fault.New(fault.NotFound, "ticket system %s", name)
	}
	secret := a.options.Tickets.Secrets[system.Hook]
	var err error
	switch system.Type {
	case org.ServiceNow:
		err = servicenow.Proven(system, secret, p)
	case org.Jira:
		err = jira.Proven(system, secret, p)
	case org.REST:
		err = anyrest.Proven(system, secret, p)
	default:
		err = fault.New(fault.Unauthenticated, "webhooks of %s cannot be proved", name)
	}
	if err != nil {
		return err
	}
	return takeTickets(ctx, a.rooms.news, a.rooms.trackers, system, p)
}

// ticketDoor takes tickets that come by the key of an integration, which is their proof.
func ticketDoor(current service.Organisation, news *service.TicketNews, reach func(org.TicketSystem) (service.Tracker, error)) func(context.Context, id.TicketSystem, string, alert.Post) error {
	return func(ctx context.Context, name id.TicketSystem, format string, p alert.Post) error {
		system, known := current.Current().Org.Tickets[name]
		if !known {
			return fault.New(fault.NotFound, "ticket system %s", name)
		}
		wanted := string(system.Type)
		if system.Type == org.REST {
			wanted = "json"
		}
		if format != wanted {
			return fault.Field("format", "this integration takes tickets of %s: post them to /in/%s", name, wanted)
		}
		return takeTickets(ctx, news, reach, system, p)
	}
}

// takeTickets hears what a webhook says that was proved.
func takeTickets(ctx context.Context, news *service.TicketNews, reach func(org.TicketSystem) (service.Tracker, error), system org.TicketSystem, p alert.Post) error {
	var told []tracker.Ticket
	var err error
	switch system.Type {
	case org.ServiceNow:
		told, err = servicenow.Posted(system, p.Body)
	case org.Jira:
		told, err = jira.Read(system, p.Body)
	case org.REST:
		told, err = posted(ctx, reach, system, p)
	}
	if err != nil {
		return err
	}
	for _, t := range told {
		if err := news.Take(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// posted is what a webhook says whose words the blueprint explains. It may only name tickets: they are asked for.
func posted(ctx context.Context, reach func(org.TicketSystem) (service.Tracker, error), system org.TicketSystem, p alert.Post) ([]tracker.Ticket, error) {
	to, err := reach(system)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reach %s", system.ID)
	}
	desk, ok := to.(interface {
		Posted(ctx context.Context, p alert.Post) ([]tracker.Ticket, error)
	})
	if !ok {
		return nil, fault.New(fault.Invalid, "%s takes no webhooks", system.ID)
	}
	told, err := desk.Posted(ctx, p)
	if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
		// The system could not be asked: that is nothing its webhook did wrong, and it may come again.
		return nil, fault.Wrap(fault.Unavailable, err, "ask %s about the ticket that its webhook names", system.ID)
	}
	return told, err
}

// ticketLag shows how far tickets are behind.
type ticketLag struct{ waiting, seconds *prometheus.GaugeVec }

func newTicketLag(registry *prometheus.Registry) ticketLag {
	l := ticketLag{
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "belay_ticket_notes_waiting", Help: "Tickets into which something is to be written."}, []string{"system"}),
		seconds: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "belay_ticket_lag_seconds", Help: "How long the ticket that waits longest has not got further."}, []string{"system"}),
	}
	registry.MustRegister(l.waiting, l.seconds)
	return l
}

// TicketLag shows what Lag has counted.
func (m *Metrics) TicketLag(lag map[id.TicketSystem]service.Waiting, now time.Time) {
	m.tickets.waiting.Reset()
	m.tickets.seconds.Reset()
	for system, w := range lag {
		m.tickets.waiting.WithLabelValues(string(system)).Set(float64(w.Found))
		m.tickets.seconds.WithLabelValues(string(system)).Set(max(0, now.Sub(w.Since).Seconds()))
	}
}
