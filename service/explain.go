package service

import (
	"maps"
	"slices"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/expr"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/route"
)

// Explanation is what a request would do.
type Explanation struct {
	Events []Explained `json:"events"`
	Route  Route       `json:"route"` // of the worst alert
}

// Explained is one alert of a request.
type Explained struct {
	Action     alert.Action   `json:"action"`
	Title      string         `json:"title"`
	Severity   alert.Severity `json:"severity"`
	Status     string         `json:"status"`
	DedupKey   string         `json:"dedup_key"`
	Source     string         `json:"source"`
	OccurredAt time.Time      `json:"occurred_at"` // where the sender does not say: when it was received
	Links      []alert.Link   `json:"links"`
	Warnings   []string       `json:"warnings,omitempty"`

	// Route of this one by itself; nil: it asks for nothing. Documents have that of the worst.
	Route *Route `json:"-"`
}

// Explain reads a request and routes it as the server does, under these windows besides those of the organisation, and
// does nothing else.
func Explain(o *org.Org, windows []org.Window, in org.Integration, d alert.Dialect, p alert.Post) (Explanation, error) {
	alerts, err := Understand(o.Terms, d, in, p)
	if err != nil {
		return Explanation{}, err
	}
	x := Explanation{Events: []Explained{}}
	router, worst := route.Over(o), -1
	for n, a := range alerts {
		one := Explained{
			Action: a.Action, Title: a.Title, Severity: a.Severity, Status: a.Status, DedupKey: a.DedupKey, Source: a.Source,
			OccurredAt: a.OccurredAt, Links: append([]alert.Link{}, a.Links...), Warnings: a.Warnings,
		}
		if one.OccurredAt.IsZero() {
			one.OccurredAt = p.At.UTC()
			one.Warnings = append(slices.Clone(one.Warnings), "the sender does not say when: taken as the instant at which it was received")
		}
		if a.Action != alert.Ignore {
			to := routeOf(in, router.Decide(expr.Event{Alert: a, Service: in.Service, Integration: in.ID, Format: d.Name, At: p.At}, windows))
			one.Route = &to
			if worst < 0 || a.Severity.WorseThan(alerts[worst].Severity) {
				worst = n
			}
		}
		x.Events = append(x.Events, one)
	}
	if worst >= 0 {
		x.Route = *x.Events[worst].Route
	}
	return x, nil
}

// IntegrationFor is the integration that is named, or else the first by the alphabet.
func IntegrationFor(o *org.Org, named id.Integration) (org.Integration, error) {
	if in, ok := o.Integrations[named]; ok {
		return in, nil
	}
	if named != "" {
		return org.Integration{}, fault.Field("integration", "there is no integration %q", named)
	}
	all := slices.Sorted(maps.Keys(o.Integrations))
	if len(all) == 0 {
		return org.Integration{}, fault.Field("integration", "the blueprint has no integration")
	}
	return o.Integrations[all[0]], nil
}

// Smallest is the smallest organisation in which something can be explained: one integration and one service whose failing
// hurts most, so that the priority follows the severity.
func Smallest() *org.Org {
	return &org.Org{
		Services:     map[id.Service]org.Service{"example": {ID: "example", Name: "Example", Unit: "", Tier: 1, Impact: 1}},
		Integrations: map[id.Integration]org.Integration{"example": {ID: "example", Kind: "events", Service: "example", Alert: org.Technical}},
	}
}
