package service

import (
	"context"
	"fmt"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/route"
)

// Delivery is one request of a sender, with who understands it.
type Delivery struct {
	Dialect alert.Dialect
	Key     string // of the integration
	Post    alert.Post
	Trace   string // names the request to its sender, and on record
	Whole   bool   // what asks for nothing is kept as well: its sender hears nothing that would tell it
}

// Taken is what became of a delivery.
type Taken struct {
	DedupKeys []string // of what was accepted, in the order of the request
	Ignored   int      // alerts that ask for nothing
}

// mostAlerts in one request; a group of Alertmanager has some hundred at most.
const mostAlerts = 2000

// Deliver takes everything that a request says, or nothing: whoever hears an error may send the whole again. An unknown key
// is fault.NotFound, a missing or wrong proof fault.Unauthenticated.
func (i *Intake) Deliver(ctx context.Context, d Delivery) (Taken, error) {
	now := i.Organisation.Current().Org
	integration, ok := integrationByKey(now, d.Key)
	if !ok {
		return Taken{}, fault.New(fault.NotFound, "no integration has this key")
	}
	if err := proven(d.Dialect, integration, d.Post); err != nil {
		return Taken{}, err
	}
	if d.Dialect.Permit != nil {
		if err := d.Dialect.Permit(integration, d.Post); err != nil {
			return Taken{}, err
		}
	}
	if d.Dialect.Greet != nil {
		if err := d.Dialect.Greet(ctx, d.Post); err != nil {
			return Taken{}, err
		}
	}
	if integration.Tickets != "" && i.Tickets != nil {
		return Taken{}, i.Tickets(ctx, integration.Tickets, d.Dialect.Name, d.Post)
	}
	alerts, err := Understand(now.Terms, d.Dialect, integration, d.Post)
	if err != nil {
		return Taken{}, err
	}
	walk, err := i.Canary.Read(integration.ID, d.Post)
	if err != nil {
		return Taken{}, err
	}
	var taken Taken
	var wanted []alert.Alert
	for _, a := range alerts {
		if a.Action == alert.Ignore {
			taken.Ignored++
			if d.Whole {
				if err := i.Keep(ctx, integration, a, d); err != nil {
					return Taken{}, err
				}
			}
			continue
		}
		wanted = append(wanted, a)
	}
	if walk > 0 {
		taken.DedupKeys, err = i.canaried(ctx, integration, walk, wanted, d)
		return taken, err
	}
	taken.DedupKeys, err = i.acceptAll(ctx, integration, wanted, d)
	return taken, err
}

// proven: the key finds the integration; where it has a secret too, the request must prove that its sender knows it.
func proven(d alert.Dialect, in org.Integration, p alert.Post) error {
	switch {
	case in.Secret == "":
		return nil
	case d.Verify == nil:
		return alert.Bears(p, in.Secret)
	}
	return d.Verify(p, in.Secret)
}

// Understand reads what a request says, as the server does, in the terms of the organisation too.
func Understand(terms org.Terms, d alert.Dialect, in org.Integration, p alert.Post) ([]alert.Alert, error) {
	decode := d.Decode
	if d.Of != nil {
		if own := d.Of(in); own != nil {
			decode = own
		}
	}
	said, err := decode(p)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Name, err)
	}
	if len(said) > mostAlerts {
		return nil, fault.New(fault.TooLarge, "%d alerts in one request, at most %d are taken", len(said), mostAlerts)
	}
	alerts := make([]alert.Alert, len(said))
	for n, a := range said {
		a = a.InTerms(terms).Tidy()
		if a.Source == "" {
			a.Source = string(in.ID) // who sent it is all that is known
		}
		if a.Title == "" {
			a.Title = a.DedupKey // an end that is told by its key alone
		}
		switch a.Action {
		case alert.Trigger, alert.Acknowledge, alert.Resolve:
			if a.DedupKey == "" {
				return nil, fault.New(fault.Invalid, "alert %d of %s says nothing by which it could be told from others", n+1, d.Name)
			}
		case alert.Ignore:
		default:
			return nil, fault.New(fault.Internal, "alert %d of %s has action %q", n+1, d.Name, a.Action)
		}
		alerts[n] = a
	}
	return alerts, nil
}

// Route is where an alert goes.
type Route struct {
	Service  id.Service   `json:"service"`
	Priority org.Priority `json:"priority"`
	Rule     string       `json:"rule"` // what decided it

	Kind      org.Kind          `json:"kind,omitempty"`
	Action    string            `json:"action,omitempty"` // escalate, delay, group, mute, suppress, drop, ping
	Delay     string            `json:"delay,omitempty"`
	Group     string            `json:"group,omitempty"` // key of the escalation that it shares with others
	Window    id.Window         `json:"window,omitempty"`
	Heartbeat id.Heartbeat      `json:"heartbeat,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	Rules     []route.Look      `json:"rules,omitempty"` // every rule that was asked, in order
	Warnings  []string          `json:"warnings,omitempty"`
}

// routeOf is a decision as it is explained.
func routeOf(in org.Integration, d route.Decision) Route {
	r := Route{Service: d.Service, Priority: d.Priority, Rule: d.Rule, Kind: d.Kind, Action: string(d.Action), Window: d.Window, Labels: d.Labels,
		Warnings: d.Warnings, Rules: d.Trace, Heartbeat: d.Ping}
	if r.Rule == "" {
		r.Rule = "integration " + string(in.ID)
	}
	if d.Delay > 0 {
		r.Action, r.Delay = "delay", d.Delay.String()
	}
	if d.Group != nil {
		r.Action, r.Group = "group", d.Group.Key
	}
	if d.Window != "" {
		r.Action = "mute"
	}
	return r
}
