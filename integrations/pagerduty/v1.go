package pagerduty

import (
	"net/http"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/integrations/foreign"
)

// DecodeV1 reads one event of the Events API V1 (/generic/2010-04-15/create_event.json) and its service key, as agents of
// Nagios, Zabbix and Sensu send it to this day. V1 knows no severity; what details say of one is taken. Errors: those of
// Decode. Source: developer.pagerduty.com, "Events API v1".
func DecodeV1(raw []byte) (serviceKey string, a alert.Alert, err error) {
	if len(raw) > BodyLimit {
		return "", alert.Alert{}, tooLarge(raw)
	}
	top, problem := object(raw)
	if problem != nil {
		return "", alert.Alert{}, invalid(problem)
	}
	r := reader{fields: top}
	serviceKey = r.text("service_key", 0)
	a = alert.Alert{Client: r.text("client", 0), ClientURL: foreign.Web(r.text("client_url", 0))}
	said := r.text("event_type", 0)
	switch a.Action = alert.Action(said); a.Action {
	case alert.Trigger, alert.Acknowledge, alert.Resolve:
		a.Status = said
	default:
		r.wrong("Event type is invalid")
	}
	a.DedupKey = foreign.Key(r.text("incident_key", 0))
	details, _ := foreign.Value(r.raw("details")).(map[string]any)
	a.Title = foreign.Title(r.text("description", 0))
	if a.Action == alert.Trigger && a.Title == "" {
		r.wrong("Description is missing or blank")
	}
	if (a.Action == alert.Acknowledge || a.Action == alert.Resolve) && a.DedupKey == "" {
		r.wrong("Incident key is missing or blank")
	}
	r.contexts(&a)
	if len(r.errors) > 0 {
		return serviceKey, alert.Alert{}, invalid(&Problem{Status: "invalid event", Message: "Event object is invalid", Errors: r.errors})
	}
	if details == nil && r.has("details") {
		details = map[string]any{"details": foreign.Value(r.raw("details"))}
	}
	a.Details = foreign.Details(details)
	hints := foreign.Object(details)
	a.Source = foreign.Title(foreign.First(hints.Text("hostname", "host", "source", "host_name", "client"), a.Client))
	a.Severity, a.Warnings = foreign.Severity(hints.Text("severity", "servicestate", "hoststate", "status_name"), alert.Error, nil)
	a.OccurredAt = hints.Time("timestamp", "time")
	return serviceKey, a, nil
}

// contexts of V1 are links and images in one list.
func (r *reader) contexts(a *alert.Alert) {
	r.each("contexts", func(one reader) []string {
		switch one.text("type", 0) {
		case "link":
			a.Links = foreign.Links(append(a.Links, alert.Link{Href: one.text("href", 0), Text: one.text("text", 0)})...)
		case "image":
			if src := foreign.Web(one.text("src", 0)); strings.HasPrefix(src, "https:") {
				a.Images = append(a.Images, alert.Image{Source: src, Href: foreign.Web(one.text("href", 0)), Alt: one.text("text", 0)})
			}
		}
		return one.errors
	})
}

// AnswerV1 is status and body for an event of V1: 200 and the incident key, else what Answer says.
func AnswerV1(incidentKey string, err error) (status int, body []byte) {
	if err == nil {
		return http.StatusOK, written(struct {
			Status      string `json:"status"`
			Message     string `json:"message"`
			IncidentKey string `json:"incident_key"`
		}{"success", "Event processed", incidentKey})
	}
	return Answer("", err)
}
