// Package elastic reads what Kibana's webhook connector sends, whose body users write in Mustache: the usual names of its
// variables, under context, rule and alert or flat, and actions of Watcher. Source: elastic.co, "Rule action variables".
package elastic

import (
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Elastic. It signs nothing: a secret comes by basic authentication or a header of the connector.
func Dialect() alert.Dialect { return alert.Dialect{Name: "elastic", Decode: Decode} }

// Decode reads one alert, or a list of them.
func Decode(p alert.Post) ([]alert.Alert, error) {
	bodies, err := foreign.ReadAll(p)
	if err != nil {
		return nil, err
	}
	var out []alert.Alert
	for _, body := range bodies {
		a, err := decode(body)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func decode(body foreign.Object) (alert.Alert, error) {
	wrapper := body
	if inner := body.Inner("data", "payload"); len(inner) > 0 && !body.Has("rule", "ruleId", "ruleName", "watch_id", "alertId") {
		body = inner
	}
	rule := body.Text("rule.name", "ruleName", "rule_name", "alertName", "kibana.alert.rule.name", "watch_id", "name")
	ruleID := body.Text("rule.id", "ruleId", "rule_id", "kibana.alert.rule.uuid", "watch_id")
	instance := body.Text("alert.id", "alertInstanceId", "alertId", "alert_id", "kibana.alert.instance.id", "context.group")
	if ruleID == "" && rule == "" && instance == "" {
		return alert.Alert{}, fault.Field("ruleId", "must say which rule speaks (or ruleName, rule.id, rule.name)")
	}
	if ruleID == "" {
		ruleID = rule
	}
	group := body.Text("alert.actionGroup", "alertActionGroup", "actionGroup", "action_group", "alert.actionGroupName", "alertActionGroupName")
	a := alert.Alert{
		Action:     alert.Trigger,
		Status:     strings.ToLower(body.Text("status", "alert.status", "kibana.alert.status", "state", "eventType", "event_type")),
		DedupKey:   foreign.Key("elastic", body.Text("spaceId", "space"), ruleID, instance),
		Source:     foreign.Title(body.Text("host.name", "context.host.name", "host", "service.name", "context.group", "alert.id", "alertInstanceId", "spaceId", "space")),
		OccurredAt: body.Time("date", "timestamp", "@timestamp", "context.timestamp", "context.date", "kibana.alert.start", "trigger.triggered_time"),
		Client:     "Elastic",
		Labels: foreign.Labels(map[string]string{
			"rule": rule, "space": body.Text("spaceId", "space"), "tags": strings.Join(body.Texts("tags", "rule.tags"), ", "), "group": group,
		}),
		Links: foreign.Links(
			alert.Link{Href: body.Text("context.alertDetailsUrl", "alertDetailsUrl", "context.viewInAppUrl", "viewInAppUrl", "context.link"), Text: "Alert"},
			alert.Link{Href: body.Text("rule.url", "ruleUrl", "context.results_link"), Text: "Rule"},
			alert.Link{Href: body.Text("kibanaBaseUrl", "kibana_base_url"), Text: "Kibana"},
			alert.Link{Href: body.Text("url"), Text: "Elastic"},
		),
		Details: foreign.Details(map[string]any{
			"context": body.At("context"), "state": body.At("state"), "tags": body.At("tags", "rule.tags"), "action_group": group,
			"message": body.Text("message", "reason"),
		}),
	}
	if a.OccurredAt.IsZero() {
		a.OccurredAt = wrapper.Time("timestamp", "date", "time")
	}
	if a.Status == "" {
		a.Status = strings.ToLower(group)
	}
	name, why := rule, foreign.FirstLine(body.Text("context.reason", "context.message", "reason", "message", "context.title"))
	if name == "" {
		name = "Elastic rule " + ruleID
	}
	if why != "" && !strings.Contains(why, name) {
		name += ": " + why
	} else if why != "" {
		name = why
	}
	a.Title = foreign.Title(name)
	said := body.Text("severity", "kibana.alert.severity", "priority", "context.severity", "level")
	if said == "" && strings.EqualFold(group, "warning") {
		said = "warning"
	}
	a.Severity, a.Warnings = foreign.Severity(said, alert.Error, nil)
	switch {
	case recovered(group), recovered(a.Status), recovered(body.Text("eventType", "event_type", "action", "event.action")):
		a.Action = alert.Resolve
	case a.Status == "untracked", a.Status == "flapping":
		a.Action = alert.Ignore
	case a.Status == "":
		a.Warnings = append(a.Warnings, "no status and no action group: taken as active (put {{alert.actionGroup}} into the body)")
	}
	return a, nil
}

func recovered(word string) bool {
	word = strings.ToLower(word)
	for _, end := range []string{"recovered", "resolved", "recovery", "alert_recovered", "ok", "closed"} {
		if word == end || strings.HasSuffix(word, "."+end) {
			return true
		}
	}
	return false
}
