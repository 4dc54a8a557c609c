package opsgenie

import (
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect is that of the body of POST /v2/alerts, for integrations that are named by the path as in all other formats.
func Dialect() alert.Dialect {
	return alert.Dialect{Name: "opsgenie", Decode: func(p alert.Post) ([]alert.Alert, error) {
		a, err := DecodeCreate(p)
		if err != nil {
			return nil, err
		}
		return []alert.Alert{a}, nil
	}}
}

// Alias is the dedup key of an alias, in whatever request it stands.
func Alias(said string) string { return foreign.Key(said) }

// DecodeCreate reads the body of POST /v2/alerts. Without an alias the alert is one of its own. Whom it names as responders is
// kept with it; who is told is decided here. fault.Invalid names the field.
func DecodeCreate(p alert.Post) (alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return alert.Alert{}, err
	}
	message := foreign.First(o.Text("message", "description"), o.Text("alias"))
	if message == "" {
		return alert.Alert{}, fault.Field("message", "can not be empty")
	}
	a := alert.Alert{
		Action: alert.Trigger, Title: foreign.Title(message), DedupKey: Alias(o.Text("alias")), Status: "open",
		Source: foreign.Title(o.Text("entity", "source", "user")), Client: foreign.Title(o.Text("source")), ClientURL: foreign.Web(o.Text("source")),
		Links: foreign.Links(
			alert.Link{Href: o.Text("details.url", "details.link", "details.generatorURL", "details.dashboard_url"), Text: "Source"},
			alert.Link{Href: o.Text("details.runbook_url", "details.runbook"), Text: "Runbook"}, alert.Link{Href: o.Text("source"), Text: "Monitor"}),
		Labels: foreign.Labels(map[string]string{
			"entity": o.Text("entity"), "priority": o.Text("priority"), "tags": strings.Join(o.Texts("tags"), " "),
		}),
		Details: foreign.Details(map[string]any{
			"description": o.Text("description"), "details": o.At("details"), "note": o.Text("note"), "responders": o.At("responders", "teams", "recipients"),
			"actions": o.At("actions"),
		}),
		OccurredAt: o.Time("details.startsAt", "details.timestamp"),
	}
	if o.Text("message") == "" {
		a.Warnings = append(a.Warnings, "message is empty: the description or the alias is the title")
	}
	var unknown []string
	a.Severity, unknown = foreign.Severity(o.Text("priority"), alert.Warning, priorities)
	a.Warnings = append(a.Warnings, unknown...)
	return a, nil
}
