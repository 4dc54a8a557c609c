// Package goalert reads what is sent to GoAlert's generic API (summary, details, action, dedup, meta; as JSON, a form, a
// query, or all of them), and what GoAlert's own webhooks post. Source: GoAlert's documentation, "Generic API" and
// "Webhooks"; genericapi/handler.go.
package goalert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of GoAlert.
func Dialect() alert.Dialect { return alert.Dialect{Name: "goalert", Decode: Decode, Answer: Answer} }

// actions of the generic API; none opens.
var actions = map[string]alert.Action{
	"": alert.Trigger, "create": alert.Trigger, "close": alert.Resolve, "resolve": alert.Resolve, "ack": alert.Acknowledge, "acknowledge": alert.Acknowledge,
}

// Decode reads one alert. Without dedup the summary and the details say which alert is meant, as GoAlert does it.
func Decode(p alert.Post) ([]alert.Alert, error) {
	o, err := read(p)
	if err != nil {
		return nil, err
	}
	if o.Has("AppName", "AlertID") && o.Has("Type") {
		return webhook(o)
	}
	said := strings.ToLower(o.Text("action"))
	action, ok := actions[said]
	if !ok {
		return nil, fault.Field("action", "%q is none of create, ack, close", said)
	}
	summary, details, dedup := o.Text("summary"), o.Text("details"), o.Text("dedup", "dedup_key")
	if summary == "" && (action == alert.Trigger || dedup == "") {
		return nil, fault.Field("summary", "is missing: say in a line what is wrong")
	}
	a := alert.Alert{
		Action: action, Title: foreign.Title(summary), Status: foreign.First(said, "create"), Source: foreign.Title(o.Text("source", "meta.source", "meta.host", "meta.instance")),
		DedupKey: foreign.Key(dedup), OccurredAt: o.Time("timestamp", "time"),
		Details: foreign.Details(map[string]any{"details": details}), Links: links(o),
		Labels: foreign.Labels(meta(o)),
	}
	if dedup == "" {
		sum := sha256.Sum256([]byte(summary + "\x00" + details))
		a.DedupKey = "goalert/" + hex.EncodeToString(sum[:16])
	}
	a.Severity, a.Warnings = foreign.Severity(o.Text("severity", "priority", "meta.severity", "meta.priority"), alert.Error, nil)
	return []alert.Alert{a}, nil
}

// read puts the query beside the body: a form field wins over a parameter.
func read(p alert.Post) (foreign.Object, error) {
	o := foreign.Object{}
	for name, value := range p.Query {
		o[name] = value
	}
	if len(strings.TrimSpace(string(p.Body))) > 0 {
		body, err := foreign.Read(p)
		if err != nil {
			return nil, err
		}
		for name, value := range body {
			o[name] = value
		}
	}
	return o, nil
}

// meta is an object in JSON, "name=value" in forms.
func meta(o foreign.Object) map[string]string {
	pairs := map[string]string{}
	for name := range o.Inner("meta") {
		pairs[name] = o.Inner("meta").Text(name)
	}
	if name, value, ok := strings.Cut(o.Text("meta"), "="); ok {
		pairs[name] = value
	}
	return pairs
}

func links(o foreign.Object) []alert.Link {
	var all []alert.Link
	for _, name := range []string{"link", "url", "meta.link", "meta.url", "meta.runbook", "meta.dashboard"} {
		all = append(all, alert.Link{Href: o.Text(name)})
	}
	return foreign.Links(all...)
}

// webhook of GoAlert itself: Alert, AlertBundle, AlertStatus, Verification, Test, ScheduleOnCallUsers.
func webhook(o foreign.Object) ([]alert.Alert, error) {
	kind, number := o.Text("Type"), o.Text("AlertID")
	a := alert.Alert{
		Action: alert.Ignore, Severity: alert.Error, Status: kind,
		Title: foreign.Title(o.Text("Summary", "LogEntry")), Source: foreign.Title(o.Text("ServiceName", "AppName")),
		DedupKey: foreign.Key("goalert", number), Details: foreign.Details(map[string]any{"details": o.Text("Details"), "log": o.Text("LogEntry")}),
		Labels: foreign.Labels(map[string]string{"service": o.Text("ServiceName")}),
	}
	if a.Title == "" {
		a.Title = "GoAlert: " + foreign.Title(kind)
	}
	log := strings.ToLower(o.Text("LogEntry", "NewState", "Status"))
	switch {
	case number == "":
		a.Severity, a.DedupKey = alert.Info, ""
	case kind == "Alert":
		a.Action = alert.Trigger
	case strings.Contains(log, "closed"):
		a.Action = alert.Resolve
	case strings.Contains(log, "acknowledged") && !strings.Contains(log, "unacknowledged"):
		a.Action = alert.Acknowledge
	}
	return []alert.Alert{a}, nil
}

// Answer is nothing when it was taken; its clients look at the status only.
func Answer(_ []string, err error) alert.Answer {
	if err == nil {
		return alert.Answer{Status: http.StatusNoContent}
	}
	status := http.StatusInternalServerError
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict:
		status = http.StatusBadRequest
	case fault.NotFound, fault.Unauthenticated, fault.Denied:
		status = http.StatusUnauthorized
	case fault.TooLarge:
		status = http.StatusRequestEntityTooLarge
	case fault.Throttled:
		status = http.StatusTooManyRequests
	case fault.Unavailable:
		status = http.StatusServiceUnavailable
	case fault.Internal:
	}
	words := map[string]string{"error": http.StatusText(status)}
	if status == http.StatusBadRequest {
		words["error"] = err.Error()
	}
	body, _ := json.Marshal(words) // strings can always be written
	return alert.Answer{Status: status, Type: "application/json", Body: body}
}
