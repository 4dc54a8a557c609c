// Package grafanaoncall reads the outgoing webhooks of Grafana OnCall, so that alerts can go on through it for a while, and
// what senders post to its formatted webhook, so that they need a new address only. Source: grafana.com/docs/oncall,
// "Outgoing webhooks" and "Formatted webhook integration".
package grafanaoncall

import (
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Grafana OnCall.
func Dialect() alert.Dialect { return alert.Dialect{Name: "grafana-oncall", Decode: Decode} }

// events that a webhook may be bound to. One whose event is "status change", "manual" or "escalation" is understood by the state.
var events = map[string]alert.Action{
	"alert group created": alert.Trigger, "created": alert.Trigger, "firing": alert.Trigger, "unresolve": alert.Trigger,
	"acknowledge": alert.Acknowledge, "resolve": alert.Resolve,
	"unacknowledge": alert.Trigger, "unsilence": alert.Trigger, "silence": alert.Ignore, "personal notification": alert.Ignore,
	"wipe": alert.Ignore, "delete": alert.Resolve, "deleted": alert.Resolve,
}

var states = map[string]alert.Action{"silenced": alert.Ignore, "new": alert.Trigger, "no_data": alert.Trigger}

// Decode reads one webhook.
func Decode(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	if o.Has("alert_group", "alert_group_id") {
		return group(o)
	}
	return formatted(o)
}

func group(o foreign.Object) ([]alert.Alert, error) {
	number := o.Text("alert_group.id", "alert_group_id")
	if number == "" {
		return nil, fault.Field("alert_group_id", "is missing")
	}
	state, event := o.Text("alert_group.state", "alert_group.status"), strings.ToLower(o.Text("event.type"))
	a := alert.Alert{
		Status: foreign.First(state, event), DedupKey: foreign.Key("grafana-oncall", number),
		Title:      foreign.Title(foreign.First(o.Text("alert_group.title", "alert_payload.title", "alert_payload.message"), "alert group "+number)),
		Source:     foreign.Title(foreign.First(o.Text("integration.name", "integration.type"), "Grafana OnCall")),
		OccurredAt: o.Time("event.time", "alert_group.created_at"),
		Links: foreign.Links(alert.Link{Href: o.Text("alert_group.permalinks.web"), Text: "Grafana OnCall"},
			alert.Link{Href: o.Text("alert_payload.generatorURL", "alert_payload.link_to_upstream_details", "alert_payload.externalURL"), Text: "Source"}),
		Labels:  foreign.Labels(map[string]string{"integration": o.Text("integration.name"), "team": o.Text("integration.team")}),
		Details: foreign.Details(map[string]any{"payload": o.At("alert_payload"), "alerts": o.At("alert_group.alerts_count")}),
	}
	for name := range o.Inner("alert_group.labels") {
		if a.Labels == nil {
			a.Labels = alert.Labels{}
		}
		a.Labels[name] = foreign.Title(o.Inner("alert_group.labels").Text(name))
	}
	action, known := events[event]
	if !known {
		action, a.Warnings = foreign.Action(foreign.First(state, event), states)
	}
	a.Action = action
	var unknown []string
	a.Severity, unknown = foreign.Severity(o.Text("alert_group.severity", "alert_group.labels.severity", "alert_payload.severity",
		"alert_payload.labels.severity", "alert_payload.commonLabels.severity", "alert_payload.alerts.0.labels.severity"), alert.Error, nil)
	a.Warnings = append(a.Warnings, unknown...)
	return []alert.Alert{a}, nil
}

// formatted webhook: alert_uid, title, state, message, image_url, link_to_upstream_details.
func formatted(o foreign.Object) ([]alert.Alert, error) {
	title, number := o.Text("title", "message"), o.Text("alert_uid", "alertUid")
	if title == "" && number == "" {
		return nil, fault.Field("title", "is missing, and so are alert_uid and alert_group")
	}
	state := foreign.First(o.Text("state", "status"), "alerting")
	a := alert.Alert{
		Title: foreign.Title(foreign.First(title, number)), Status: state, Source: foreign.Title(o.Text("source", "host", "service")),
		DedupKey: foreign.Key("grafana-oncall", foreign.First(number, title)), OccurredAt: o.Time("timestamp", "time", "startsAt"),
		Links:   foreign.Links(alert.Link{Href: o.Text("link_to_upstream_details", "link"), Text: "Source"}),
		Details: foreign.Details(map[string]any{"message": o.Text("message")}),
	}
	if image := foreign.Web(o.Text("image_url")); strings.HasPrefix(image, "https:") {
		a.Images = []alert.Image{{Source: image}}
	}
	a.Action, a.Warnings = foreign.Action(state, states)
	var unknown []string
	a.Severity, unknown = foreign.Severity(o.Text("severity", "labels.severity"), alert.Error, nil)
	a.Warnings = append(a.Warnings, unknown...)
	return []alert.Alert{a}, nil
}
