// Package gcpmonitoring reads incidents of Google Cloud Monitoring, as its webhooks post them and as Pub/Sub pushes them.
// Source: cloud.google.com, "Create and manage notification channels", schema of webhooks 1.0 to 1.2.
package gcpmonitoring

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Google Cloud Monitoring. It signs nothing: a secret is the password of the channel's basic authentication.
func Dialect() alert.Dialect { return alert.Dialect{Name: "gcp-monitoring", Decode: Decode} }

// severities of alerting policies; most have none.
var severities = map[string]alert.Severity{"no severity": alert.Error, "no_severity": alert.Error, "severity_unspecified": alert.Error}

// Decode reads one incident.
func Decode(p alert.Post) ([]alert.Alert, error) {
	body, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	if data := body.Text("message.data"); data != "" && !body.Has("incident") {
		opened, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return nil, fault.Field("message.data", "must be base64")
		}
		if body, err = foreign.Read(alert.Post{Body: opened, At: p.At}); err != nil {
			return nil, err
		}
	}
	o := body.Inner("incident")
	id := o.Text("incident_id", "id")
	if id == "" {
		return nil, fault.Field("incident.incident_id", "must say which incident this is")
	}
	a := alert.Alert{
		Action:     alert.Trigger,
		Status:     strings.ToLower(o.Text("state")),
		DedupKey:   foreign.Key("gcp", o.Text("scoping_project_id"), id),
		Source:     foreign.Title(o.Text("resource_display_name", "resource_name", "resource_id", "resource.labels.instance_id", "resource.labels.host", "resource.type", "scoping_project_id")),
		OccurredAt: o.Time("started_at"),
		Client:     "Google Cloud Monitoring",
		Links: foreign.Links(append([]alert.Link{{Href: o.Text("url"), Text: "Incident"}, {Href: o.Text("apigee_url"), Text: "Apigee"}},
			documents(o)...)...),
		Labels: foreign.Labels(map[string]string{
			"project": o.Text("scoping_project_id"), "policy": o.Text("policy_name"), "condition": o.Text("condition_name"), "resource_type": o.Text("resource.type"),
		}),
		Details: foreign.Details(map[string]any{
			"policy": o.Text("policy_name"), "condition": o.Text("condition_name", "condition.displayName"), "observed": o.Text("observed_value"),
			"threshold": o.Text("threshold_value"), "metric": o.Text("metric.displayName", "metric.type"), "resource": o.At("resource"),
			"documentation": o.Text("documentation.content"), "labels": o.At("policy_user_labels", "metadata.user_labels"),
		}),
	}
	name := o.Text("summary", "documentation.subject")
	if name == "" {
		name = strings.Trim(o.Text("policy_name")+": "+o.Text("condition_name", "condition.displayName"), ": ")
	}
	if name == "" {
		name = "Google Cloud incident " + id
	}
	if a.Source != "" && !strings.Contains(strings.ToLower(name), strings.ToLower(a.Source)) {
		name += " (" + a.Source + ")"
	}
	a.Title = foreign.Title(name)
	a.Severity, a.Warnings = foreign.Severity(
		o.Text("severity", "policy_user_labels.severity", "metadata.user_labels.severity", "metadata.system_labels.severity"), alert.Error, severities)
	switch a.Status {
	case "closed", "resolved":
		a.Action = alert.Resolve
		if ended := o.Time("ended_at"); !ended.IsZero() {
			a.OccurredAt = ended
		}
	case "acknowledged":
		a.Action = alert.Acknowledge
	case "open":
	default:
		a.Warnings = append(a.Warnings, fmt.Sprintf("state %q is unknown: taken as open", alert.Clip(a.Status, 60)))
	}
	return []alert.Alert{a}, nil
}

// documents are the links that a policy brings with it.
func documents(o foreign.Object) []alert.Link {
	var out []alert.Link
	for _, one := range o.List("documentation.links") {
		out = append(out, alert.Link{Href: one.Text("url"), Text: one.Text("displayName")})
	}
	return out
}
