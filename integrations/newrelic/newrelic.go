// Package newrelic reads webhooks of New Relic: issues, whose bodies are templates that users change, and incidents of the
// older alerts. Source: docs.newrelic.com, "Webhook" of workflows and "Customize your webhook payload".
package newrelic

import (
	"fmt"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of New Relic. It signs nothing: a secret comes by custom headers, a bearer token or basic authentication.
func Dialect() alert.Dialect { return alert.Dialect{Name: "newrelic", Decode: Decode} }

// Decode reads one issue or incident.
func Decode(p alert.Post) ([]alert.Alert, error) {
	body, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	wrapper := body
	if inner := body.Inner("data", "issue"); len(inner) > 0 && !body.Has("issueUrl", "current_state", "issueId") {
		body = inner
	}
	id := body.Text("issueId", "issue_id", "incident_id", "id", "nrqlIncidentId", "incidentId")
	if id == "" {
		return nil, fault.Field("issueId", "must say which issue this is (or incident_id, or id)")
	}
	a := alert.Alert{
		Action:   alert.Trigger,
		Status:   strings.ToLower(body.Text("state", "current_state", "status", "stateText")),
		DedupKey: foreign.Key("newrelic", id),
		Source:   foreign.Title(source(body)),
		Client:   "New Relic",
		Labels: foreign.Labels(map[string]string{
			"account": body.Text("accountId", "account_id", "accountName", "account_name"), "policy": policy(body), "condition": condition(body),
		}),
		Details: foreign.Details(map[string]any{
			"details": body.Text("details"), "policy": policy(body), "condition": condition(body), "owner": body.Text("owner"),
			"entities": body.At("impactedEntities", "targets"), "total_incidents": body.Text("totalIncidents"), "runbook": body.Text("runbook_url"),
		}),
		Links: foreign.Links(
			alert.Link{Href: body.Text("issueUrl", "issuePageUrl", "incident_url", "incidentUrl"), Text: "Issue"},
			alert.Link{Href: body.Text("violation_callback_url", "violationUrl"), Text: "Violation"},
			alert.Link{Href: body.Text("runbook_url", "runbookUrl"), Text: "Runbook"},
		),
	}
	a.Title = title(body, id)
	if picture := foreign.Web(body.Text("violation_chart_url", "violationChartUrl")); picture != "" {
		a.Images = []alert.Image{{Source: picture, Alt: "chart"}}
	}
	a.Severity, a.Warnings = foreign.Severity(body.Text("priority", "severity", "priorityText"), alert.Error, nil)
	switch a.Status {
	case "acknowledged", "acknowledge", "ack":
		a.Action, a.OccurredAt = alert.Acknowledge, body.Time("acknowledgedAt", "acknowledged_at", "updatedAt", "timestamp", "createdAt")
	case "closed", "close", "resolved", "inactive", "deactivated":
		a.Action, a.OccurredAt = alert.Resolve, body.Time("closedAt", "closed_at", "updatedAt", "timestamp", "createdAt")
	case "open", "opened", "created", "activated", "active":
		a.OccurredAt = body.Time("activatedAt", "createdAt", "timestamp", "updatedAt")
	default:
		a.OccurredAt = body.Time("createdAt", "timestamp", "updatedAt")
		a.Warnings = append(a.Warnings, fmt.Sprintf("state %q is unknown: taken as open", alert.Clip(a.Status, 60)))
	}
	if a.OccurredAt.IsZero() {
		a.OccurredAt = wrapper.Time("timestamp", "time")
	}
	return []alert.Alert{a}, nil
}

func first(body foreign.Object, paths ...string) string {
	for _, path := range paths {
		if texts := body.Texts(path); len(texts) > 0 {
			return texts[0]
		}
	}
	return ""
}

func policy(body foreign.Object) string {
	return first(body, "policyName", "policy_name", "alertPolicyNames", "policyNames")
}

func condition(body foreign.Object) string {
	if name := body.Text("conditionName", "condition_name"); name != "" {
		return name
	}
	return first(body, "alertConditionNames", "conditionNames")
}

func source(body foreign.Object) string {
	if name := body.Text("targets.0.name", "entity.name", "entityName"); name != "" {
		return name
	}
	if names := first(body, "impactedEntities", "entitiesData.names", "entitiesNames"); names != "" {
		return names
	}
	return policy(body)
}

func title(body foreign.Object, id string) string {
	name := first(body, "title", "issueTitle")
	if whole := body.Text("title", "issueTitle"); whole != "" {
		name = whole
	}
	if name == "" {
		name = condition(body)
		if details := foreign.FirstLine(body.Text("details")); details != "" {
			name = strings.TrimPrefix(name+": "+details, ": ")
		}
	}
	if name == "" {
		name = "New Relic issue " + id
	}
	if p := policy(body); p != "" && !strings.Contains(name, p) {
		name += " (" + p + ")"
	}
	return foreign.Title(name)
}
