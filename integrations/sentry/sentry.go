// Package sentry reads webhooks of Sentry: those of an integration (issues, alerts on events and metrics, errors), which are
// signed, and those of the older plugin, which are not. Source: docs.sentry.io, "Integration Platform / Webhooks".
package sentry

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

const signatureHeader = "Sentry-Hook-Signature"

// Dialect of Sentry.
func Dialect() alert.Dialect { return alert.Dialect{Name: "sentry", Decode: Decode, Verify: Verify} }

// Verify takes the signature made with the client secret of the integration, or, of those that do not sign, the secret.
func Verify(p alert.Post, secret string) error {
	if signature := p.Header[strings.ToLower(signatureHeader)]; signature != "" {
		return alert.Signs(signatureHeader, signature, p.Body, secret)
	}
	return alert.Bears(p, secret)
}

// levels of Sentry that are not everybody's words.
var levels = map[string]alert.Severity{"sample": alert.Info, "unknown": alert.Error, "log": alert.Info}

// Decode reads one hook.
func Decode(p alert.Post) ([]alert.Alert, error) {
	body, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	data, action := body.Inner("data"), strings.ToLower(body.Text("action"))
	var a alert.Alert
	switch {
	case data.Has("metric_alert"):
		a, err = metric(data, action)
	case data.Has("issue"):
		a, err = issue(data.Inner("issue"), action)
	case data.Has("event"):
		a, err = event(data.Inner("event"), data.Text("triggered_rule"))
	case data.Has("error"):
		a, err = event(data.Inner("error"), "")
	case data.Has("installation", "comment") || body.Has("installation") && !body.Has("event", "culprit"):
		a = alert.Alert{Action: alert.Ignore, Status: action, Title: "Sentry: " + action + " of something that is no alert", Severity: alert.Info}
	case body.Has("event", "culprit", "project", "project_slug"):
		a, err = plugin(body)
	default:
		return nil, fault.Field("data", "must hold an issue, an event, an error or a metric_alert")
	}
	if err != nil {
		return nil, err
	}
	a.Client = "Sentry"
	return []alert.Alert{a}, nil
}

// inAddress finds the issue that an address is about.
var inAddress = regexp.MustCompile(`/issues/(\d+)`)

func issueOf(o foreign.Object) string {
	if id := o.Text("issue_id", "groupID", "group_id"); id != "" {
		return id
	}
	for _, path := range []string{"issue_url", "web_url", "url"} {
		if m := inAddress.FindStringSubmatch(o.Text(path)); m != nil {
			return m[1]
		}
	}
	return ""
}

func event(o foreign.Object, rule string) (alert.Alert, error) {
	id := issueOf(o)
	if id == "" {
		id = foreign.Key(o.Text("event_id"), o.Text("id"))
	}
	if id == "" {
		return alert.Alert{}, fault.Field("data.event.issue_url", "must say which issue this is about (or issue_id, or event_id)")
	}
	a := alert.Alert{
		Action: alert.Trigger, Status: "triggered", DedupKey: foreign.Key("sentry", id), OccurredAt: o.Time("datetime", "timestamp", "received"),
		Title:  title(o, o.Text("project_slug", "project_name")),
		Source: foreign.Title(place(o)),
		Links:  foreign.Links(alert.Link{Href: o.Text("web_url"), Text: "Event"}, alert.Link{Href: o.Text("url"), Text: "API"}),
		Labels: foreign.Labels(tags(o)),
		Details: foreign.Details(map[string]any{
			"rule": rule, "culprit": o.Text("culprit"), "message": o.Text("message", "logentry.formatted"), "platform": o.Text("platform"),
			"environment": o.Text("environment"), "release": o.Text("release"),
		}),
	}
	a.Severity, a.Warnings = foreign.Severity(o.Text("level"), alert.Error, levels)
	return a, nil
}

func issue(o foreign.Object, action string) (alert.Alert, error) {
	id := o.Text("id")
	if id == "" {
		return alert.Alert{}, fault.Field("data.issue.id", "must say which issue this is")
	}
	a := alert.Alert{
		Action: alert.Trigger, Status: action, DedupKey: foreign.Key("sentry", id), OccurredAt: o.Time("lastSeen", "firstSeen"),
		Title:  title(o, o.Text("project.slug", "project.name")),
		Source: foreign.Title(o.Text("project.slug", "project.name", "culprit")),
		Links:  foreign.Links(alert.Link{Href: o.Text("permalink", "web_url"), Text: "Issue"}),
		Labels: foreign.Labels(map[string]string{"project": o.Text("project.slug"), "platform": o.Text("platform"), "short_id": o.Text("shortId")}),
		Details: foreign.Details(map[string]any{
			"culprit": o.Text("culprit"), "count": o.Text("count"), "users": o.Text("userCount"), "short_id": o.Text("shortId"),
			"first_seen": o.Text("firstSeen"), "state": o.Text("status"), "substatus": o.Text("substatus"),
		}),
	}
	a.Severity, a.Warnings = foreign.Severity(o.Text("level"), alert.Error, levels)
	switch action {
	case "created", "unresolved", "reopened", "escalating", "regressed", "triggered":
	case "resolved", "ignored", "archived":
		a.Action = alert.Resolve
	case "assigned", "unassigned": // also done by rules of ownership: nobody has promised anything
		a.Action = alert.Ignore
	default:
		a.Warnings = append(a.Warnings, fmt.Sprintf("action %q is unknown: nothing was done", alert.Clip(action, 60)))
		a.Action = alert.Ignore
	}
	return a, nil
}

func metric(data foreign.Object, action string) (alert.Alert, error) {
	o := data.Inner("metric_alert")
	id := o.Text("id", "identifier", "alert_rule.id")
	if id == "" {
		return alert.Alert{}, fault.Field("data.metric_alert.id", "must say which alert this is")
	}
	name := data.Text("description_title")
	if name == "" {
		name = o.Text("title", "alert_rule.name")
	}
	if text := foreign.FirstLine(data.Text("description_text")); text != "" {
		name += ": " + text
	}
	a := alert.Alert{
		Action: alert.Trigger, Status: action, DedupKey: foreign.Key("sentry", "metric", id), Title: foreign.Title(name), Severity: alert.Error,
		OccurredAt: o.Time("date_detected", "date_started", "date_created"),
		Source:     foreign.Title(strings.Join(o.Texts("projects"), ", ")),
		Links:      foreign.Links(alert.Link{Href: data.Text("web_url"), Text: "Alert"}),
		Details:    foreign.Details(map[string]any{"rule": o.Text("alert_rule.name"), "query": o.Text("alert_rule.query"), "text": data.Text("description_text")}),
	}
	switch action {
	case "resolved", "closed":
		a.Action = alert.Resolve
		if at := o.Time("date_closed"); !at.IsZero() {
			a.OccurredAt = at
		}
	case "critical":
		a.Severity = alert.Critical
	case "warning":
		a.Severity = alert.Warning
	}
	return a, nil
}

// plugin is the body of the older webhook, about an event of one issue.
func plugin(body foreign.Object) (alert.Alert, error) {
	inner := body.Inner("event")
	id := body.Text("id")
	if m := inAddress.FindStringSubmatch(body.Text("url")); id == "" && m != nil {
		id = m[1]
	}
	if id == "" {
		return alert.Alert{}, fault.Field("id", "must say which issue this is")
	}
	a := alert.Alert{
		Action: alert.Trigger, Status: "triggered", DedupKey: foreign.Key("sentry", id), OccurredAt: inner.Time("datetime", "timestamp", "received"),
		Source: foreign.Title(body.Text("project_slug", "project_name", "project")),
		Links:  foreign.Links(alert.Link{Href: body.Text("url"), Text: "Issue"}),
		Labels: foreign.Labels(tags(inner)),
		Details: foreign.Details(map[string]any{
			"rules": body.At("triggering_rules"), "culprit": body.Text("culprit"), "message": body.Text("message"), "environment": inner.Text("environment"),
		}),
	}
	name := body.Text("message")
	if name == "" {
		name = inner.Text("title", "message", "logentry.formatted")
	}
	if name == "" {
		name = "Sentry issue " + id
	}
	a.Title = foreign.Title(within(foreign.FirstLine(name), a.Source))
	a.Severity, a.Warnings = foreign.Severity(body.Text("level"), alert.Error, levels)
	return a, nil
}

func title(o foreign.Object, project string) string {
	name := foreign.FirstLine(o.Text("title", "metadata.title", "message", "logentry.formatted", "metadata.value"))
	if name == "" {
		name = "Sentry issue without a title"
	}
	return foreign.Title(within(name, project))
}

func within(name, project string) string {
	if project == "" || strings.Contains(name, project) {
		return name
	}
	return name + " (" + project + ")"
}

// inProject finds the project in the address of an event.
var inProject = regexp.MustCompile(`/projects/[^/]+/([^/]+)/`)

func place(o foreign.Object) string {
	if name := o.Text("project_slug", "project_name", "server_name"); name != "" {
		return name
	}
	if m := inProject.FindStringSubmatch(o.Text("url")); m != nil {
		return m[1]
	}
	return o.Text("culprit", "location", "project")
}

// tags are pairs in lists.
func tags(o foreign.Object) map[string]string {
	pairs := map[string]string{}
	list, _ := o.At("tags").([]any)
	for _, one := range list {
		pair, _ := one.([]any)
		if len(pair) != 2 {
			continue
		}
		name, ok := pair[0].(string)
		value, also := pair[1].(string)
		if ok && also {
			pairs[name] = value
		}
	}
	return pairs
}
