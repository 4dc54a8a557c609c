package pagerduty

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Webhook is the dialect of PagerDuty's webhooks (V3, and V2 and V1 as old extensions still send them), for those who keep
// PagerDuty for a while and want its incidents here. Source: developer.pagerduty.com, "Webhooks overview", "Verifying
// signatures", "V2 webhooks overview".
func Webhook() alert.Dialect {
	return alert.Dialect{Name: "pagerduty-webhook", Decode: DecodeWebhook, Verify: VerifyWebhook}
}

// happenings that ask for something. Those of responders, notes, priorities and the like do not.
var happenings = map[string]alert.Action{
	"incident.triggered": alert.Trigger, "incident.trigger": alert.Trigger, "incident.reopened": alert.Trigger,
	"incident.unacknowledged": alert.Trigger, "incident.unacknowledge": alert.Trigger,
	"incident.acknowledged": alert.Acknowledge, "incident.acknowledge": alert.Acknowledge,
	"incident.resolved": alert.Resolve, "incident.resolve": alert.Resolve, "incident.deleted": alert.Resolve,
}

var urgencies = map[string]alert.Severity{"high": alert.Critical, "low": alert.Warning}

// DecodeWebhook reads the event of a webhook, or each of its messages. Events that go to the Events API are read as well.
func DecodeWebhook(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	messages := o.List("messages")
	switch {
	case o.Has("event.event_type"):
		messages = []foreign.Object{o.Inner("event")}
	case len(messages) > 0:
	case o.Has("event_type", "event_action", "payload"):
		return DecodeAny(p)
	default:
		return nil, fault.Field("event", "is missing: this is no webhook of PagerDuty")
	}
	var all []alert.Alert
	for _, m := range messages {
		a, err := happening(m)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func happening(m foreign.Object) (alert.Alert, error) {
	kind := m.Text("event_type", "event", "type")
	incident := m.Inner("data.incident", "incident")
	if len(incident) == 0 {
		incident = m.Inner("data")
	}
	number := incident.Text("id")
	if kind == "" {
		return alert.Alert{}, fault.Field("event.event_type", "is missing")
	}
	action, known := happenings[kind]
	if !known {
		action = alert.Ignore
	}
	if number == "" && action != alert.Ignore {
		return alert.Alert{}, fault.Field("event.data.id", "is missing: which incident?")
	}
	data := m.Inner("data")
	a := alert.Alert{
		Action: action, Status: kind,
		Title: foreign.Title(foreign.First(incident.Text("title", "summary", "description", "trigger_summary_data.subject",
			"trigger_summary_data.description"), m.Text("data.message"), kind)),
		Source:     foreign.Title(foreign.First(incident.Text("service.summary", "service.name"), data.Text("service.summary"), "PagerDuty")),
		DedupKey:   foreign.Key("pagerduty", number),
		OccurredAt: m.Time("occurred_at", "created_on", "log_entries.0.created_at"),
		Links:      foreign.Links(alert.Link{Href: incident.Text("html_url"), Text: "PagerDuty"}, alert.Link{Href: incident.Text("conference_bridge.conference_url"), Text: "Conference"}),
		Client:     "PagerDuty",
		Details: foreign.Details(map[string]any{
			"incident_number": incident.Text("number", "incident_number"), "incident_key": incident.Text("incident_key"),
			"agent": m.Text("agent.summary"), "details": m.Text("log_entries.0.channel.details"),
		}),
		Labels: foreign.Labels(map[string]string{
			"service": foreign.First(incident.Text("service.summary", "service.name"), data.Text("service.summary")),
			"urgency": incident.Text("urgency"), "priority": incident.Text("priority.summary", "priority.name"),
		}),
	}
	if number == "" {
		a.DedupKey = ""
	}
	a.Severity, a.Warnings = foreign.Severity(incident.Text("priority.summary", "priority.name"), "", nil)
	if a.Severity == "" || len(a.Warnings) > 0 { // names of priorities are an account's own
		a.Severity, a.Warnings = foreign.Severity(incident.Text("urgency"), alert.Error, urgencies)
	}
	return a, nil
}

// VerifyWebhook proves that PagerDuty sent a webhook: one of the signatures, "v1=" and HMAC-SHA256 of the body in
// hexadecimal, must be made with the secret of the subscription. Two are sent while a secret is changed.
func VerifyWebhook(p alert.Post, secret string) error {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(p.Body)
	want := mac.Sum(nil)
	for one := range strings.SplitSeq(p.Header["x-pagerduty-signature"], ",") {
		given, found := strings.CutPrefix(strings.TrimSpace(one), "v1=")
		if got, err := hex.DecodeString(given); found && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return fault.New(fault.Unauthenticated, "X-PagerDuty-Signature has no signature that the secret of this integration makes of this body")
}

// Dialect is that of the Events API for integrations which are named by the path, as all other formats are: V2, V1 and change
// events, without a routing key.
func Dialect() alert.Dialect {
	return alert.Dialect{Name: "pagerduty", Decode: DecodeAny, Answer: func(dedup []string, err error) alert.Answer {
		key := ""
		if len(dedup) > 0 {
			key = dedup[0]
		}
		status, body := Answer(key, err)
		return alert.Answer{Status: status, Type: "application/json", Body: body}
	}}
}

// DecodeAny reads an event of whichever version.
func DecodeAny(p alert.Post) ([]alert.Alert, error) {
	top, problem := object(p.Body)
	if problem != nil {
		return nil, invalid(problem)
	}
	r := reader{fields: top}
	decode := DecodeV1
	switch {
	case r.has("event_action"):
		decode = Decode
		if !r.has("routing_key") {
			decode = func(raw []byte) (string, alert.Alert, error) { return decodeEvent(raw, false) }
		}
	case !r.has("event_type") && r.has("payload"):
		decode = DecodeChange
	}
	_, a, err := decode(p.Body)
	if err != nil {
		return nil, err
	}
	if a.Status == "" {
		a.Status = string(a.Action)
	}
	return []alert.Alert{a}, nil
}

// change is what a change event is as an alert: one that asks for nothing.
func change(at time.Time) alert.Alert {
	return alert.Alert{Action: alert.Ignore, Severity: alert.Info, Status: "change", OccurredAt: at}
}
