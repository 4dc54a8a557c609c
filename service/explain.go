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
}

// Explain reads a request and routes it as the server does, and does nothing else.
func Explain(o *org.Org, in org.Integration, d alert.Dialect, p alert.Post) (Explanation, error) {
	alerts, err := Understand(d, in, p)
	if err != nil {
		return Explanation{}, err
	}
	x := Explanation{Events: []Explained{}}
	worst := -1
	for n, a := range alerts {
		one := Explained{
			Action: a.Action, Title: a.Title, Severity: a.Severity, Status: a.Status, DedupKey: a.DedupKey, Source: a.Source,
			OccurredAt: a.OccurredAt, Links: append([]alert.Link{}, a.Links...), Warnings: a.Warnings,
		}
		if one.OccurredAt.IsZero() {
			one.OccurredAt = p.At.UTC()
			one.Warnings = append(slices.Clone(one.Warnings), "the sender does not say when: taken as the instant at which it was received")
		}
		x.Events = append(x.Events, one)
		if a.Action != alert.Ignore && (worst < 0 || a.Severity.WorseThan(alerts[worst].Severity)) {
			worst = n
		}
	}
	if worst >= 0 {
		at := p.At
		x.Route = routeOf(in, route.Over(o).Decide(expr.Event{Alert: alerts[worst], Service: in.Service, Integration: in.ID, Format: d.Name, At: at}, nil))
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
