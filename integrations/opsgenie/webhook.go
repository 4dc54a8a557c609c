// Package opsgenie speaks with what was built for Opsgenie: it reads what Opsgenie's outgoing webhooks post, and what clients
// send to its Alert API v2. It knows no keys: whether one is ours is decided elsewhere. Source: support.atlassian.com/opsgenie,
// "Opsgenie Edge Connector alert action data", "Webhook integration"; docs.opsgenie.com, "Alert API".
package opsgenie

import (
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Webhook is the dialect of Opsgenie's webhooks.
func Webhook() alert.Dialect {
	return alert.Dialect{Name: "opsgenie-webhook", Decode: DecodeWebhook}
}

// doings of a webhook, in lower case. What is not named here is about an alert that stays as it is.
var doings = map[string]alert.Action{
	"create": alert.Trigger, "reopen": alert.Trigger, "unacknowledge": alert.Trigger,
	"acknowledge": alert.Acknowledge, "close": alert.Resolve, "delete": alert.Resolve,
}

// priorities from P1 to P5; Opsgenie's own default is P3.
var priorities = map[string]alert.Severity{
	"p1": alert.Critical, "1": alert.Critical, "p2": alert.Error, "2": alert.Error, "p3": alert.Warning, "3": alert.Warning,
	"p4": alert.Info, "4": alert.Info, "p5": alert.Info, "5": alert.Info,
}

// DecodeWebhook reads what was done to one alert.
func DecodeWebhook(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	said := o.Text("action", "alert.action")
	if said == "" && o.Has("message") && !o.Has("alert") {
		a, err := DecodeCreate(p) // a body for the Alert API
		return []alert.Alert{a}, err
	}
	if said == "" {
		return nil, fault.Field("action", "is missing: this is no webhook of Opsgenie")
	}
	one := o.Inner("alert")
	alias := one.Text("alias", "alertId", "id")
	action, known := doings[strings.ToLower(said)]
	if !known {
		action = alert.Ignore
	}
	if alias == "" && action != alert.Ignore {
		return nil, fault.Field("alert.alias", "is missing, and so is alert.alertId")
	}
	a := alert.Alert{
		Action: action, Status: said, DedupKey: foreign.Key(alias),
		Title:      foreign.Title(foreign.First(one.Text("message", "description"), o.Text("integrationName")+": "+said)),
		Source:     foreign.Title(foreign.First(one.Text("entity"), one.Text("source"), o.Text("source.name", "integrationName"))),
		OccurredAt: one.Time("updatedAt", "createdAt"), Client: "Opsgenie",
		Links: foreign.Links(alert.Link{Href: one.Text("details.url", "details.link", "details.generatorURL"), Text: "Source"}, alert.Link{Href: one.Text("details.runbook_url", "details.runbook"), Text: "Runbook"}),
		Labels: foreign.Labels(map[string]string{
			"entity": one.Text("entity"), "priority": one.Text("priority"), "tags": strings.Join(one.Texts("tags"), " "), "team": one.Text("team"),
		}),
		Details: foreign.Details(map[string]any{
			"description": one.Text("description"), "details": one.At("details"), "note": one.Text("note"), "by": one.Text("username"),
			"alert": one.Text("tinyId"),
		}),
	}
	if action == alert.Trigger && strings.EqualFold(said, "create") {
		if created := one.Time("createdAt"); !created.IsZero() {
			a.OccurredAt = created
		}
	}
	a.Severity, a.Warnings = foreign.Severity(one.Text("priority"), alert.Warning, priorities)
	return []alert.Alert{a}, nil
}
