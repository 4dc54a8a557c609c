// Package dynatrace reads problem notifications of Dynatrace, whose bodies users compose of its placeholders, also inside of
// a CloudEvent. Source: docs.dynatrace.com, "Webhook integration".
package dynatrace

import (
	"fmt"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Dynatrace. It signs nothing: a secret comes by basic authentication or an HTTP header of the notification.
func Dialect() alert.Dialect { return alert.Dialect{Name: "dynatrace", Decode: Decode} }

// levels in which Dynatrace says how bad a problem is.
var levels = map[string]alert.Severity{
	"availability": alert.Critical, "error": alert.Error, "performance": alert.Warning, "slowdown": alert.Warning,
	"resource_contention": alert.Warning, "resource": alert.Warning, "custom_alert": alert.Error, "monitoring_unavailable": alert.Error,
	"info": alert.Info,
}

// Decode reads one problem.
func Decode(p alert.Post) ([]alert.Alert, error) {
	body, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	wrapper := body
	if inner := body.Inner("data"); len(inner) > 0 && !body.Has("ProblemID", "PID", "ProblemTitle") {
		body = inner
	}
	details := body.Inner("ProblemDetailsJSON", "ProblemDetailsJSONv2", "ProblemDetailsJSONv1", "ProblemDetails")
	id := body.Text("PID", "ProblemID", "event.id", "display_id", "id")
	if id == "" {
		id = details.Text("problemId", "id", "displayId")
	}
	if id == "" {
		return nil, fault.Field("PID", "must say which problem this is (or ProblemID)")
	}
	entity := body.Text("ImpactedEntity", "ImpactedEntityNames", "affected_entity_names")
	if entity == "" {
		entity = strings.Join(body.Texts("ImpactedEntityNames", "affected_entity_names"), ", ")
	}
	if entity == "" {
		entity = body.Text("ImpactedEntities.0.name")
	}
	a := alert.Alert{
		Action:   alert.Trigger,
		Status:   strings.ToUpper(body.Text("State", "event.status", "status")),
		Source:   foreign.Title(entity),
		DedupKey: foreign.Key("dynatrace", id),
		Client:   "Dynatrace",
		Links:    foreign.Links(alert.Link{Href: body.Text("ProblemURL", "problem_url", "url"), Text: "Problem"}),
		Labels: foreign.Labels(map[string]string{
			"impact": body.Text("ProblemImpact"), "tags": strings.Join(body.Texts("Tags", "entity_tags"), ", "), "problem": body.Text("ProblemID", "display_id"),
		}),
		Details: foreign.Details(map[string]any{
			"details":  alert.Clip(body.Text("ProblemDetailsText", "ProblemDetailsMarkdown", "event.description"), 8000),
			"entities": body.At("ImpactedEntities"), "tags": body.At("Tags"), "impact": body.Text("ProblemImpact"),
		}),
	}
	if a.Status == "" {
		a.Status = strings.ToUpper(details.Text("status"))
	}
	name := body.Text("ProblemTitle", "title", "event.name")
	if name == "" {
		name = details.Text("title")
	}
	if name == "" {
		name = "Dynatrace problem " + id
	}
	if entity != "" && !strings.Contains(name, entity) {
		name += " (" + entity + ")"
	}
	a.Title = foreign.Title(name)
	level := body.Text("ProblemSeverity", "SeverityLevel", "event.category")
	if level == "" {
		level = details.Text("severityLevel")
	}
	a.Severity, a.Warnings = foreign.Severity(level, alert.Error, levels)
	a.OccurredAt = details.Time("startTime")
	switch a.Status {
	case "RESOLVED", "CLOSED", "MERGED": // a problem that was merged goes on as another one
		a.Action = alert.Resolve
		if ended := details.Time("endTime"); !ended.IsZero() {
			a.OccurredAt = ended
		}
	case "OPEN", "ACTIVE":
	default:
		a.Warnings = append(a.Warnings, fmt.Sprintf("state %q is unknown: taken as OPEN", alert.Clip(a.Status, 60)))
	}
	if a.OccurredAt.IsZero() {
		a.OccurredAt = wrapper.Time("time", "timestamp", "event.start")
	}
	return []alert.Alert{a}, nil
}
