// Package splunkoncall reads what is sent to the REST endpoint of Splunk On-Call (VictorOps), and the webhook of Splunk's own
// alert action, which says less. Source: help.victorops.com, "REST Endpoint Integration Guide", "Incident fields glossary",
// "Alert rules engine: annotations"; docs.splunk.com, "Use a webhook alert action".
package splunkoncall

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Splunk On-Call.
func Dialect() alert.Dialect {
	return alert.Dialect{Name: "splunk-oncall", Decode: Decode, Answer: Answer}
}

type meaning struct {
	action   alert.Action
	severity alert.Severity
}

// kinds of messages. INFO is for the timeline there, and opens nothing.
var kinds = map[string]meaning{
	"CRITICAL": {alert.Trigger, alert.Critical}, "WARNING": {alert.Trigger, alert.Warning}, "ERROR": {alert.Trigger, alert.Error},
	"INFO": {alert.Ignore, alert.Info}, "RECOVERY": {alert.Resolve, alert.Info}, "OK": {alert.Resolve, alert.Info},
	"ACKNOWLEDGEMENT": {alert.Acknowledge, alert.Error}, "ACKNOWLEDGMENT": {alert.Acknowledge, alert.Error}, "ACK": {alert.Acknowledge, alert.Error},
}

// Decode reads one message.
func Decode(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	said := strings.ToUpper(o.Text("message_type"))
	if said == "" && o.Has("search_name", "sid") {
		return search(o), nil
	}
	if said == "" {
		return nil, fault.Field("message_type", "is missing: CRITICAL, WARNING, ACKNOWLEDGEMENT, INFO or RECOVERY")
	}
	entity := o.Text("entity_id")
	name := o.Text("entity_display_name")
	if entity == "" {
		entity = name
	}
	if entity == "" && said == "INFO" {
		entity = "info"
	}
	if entity == "" {
		return nil, fault.Field("entity_id", "is missing: messages about the same trouble share it")
	}
	a := alert.Alert{
		Status: said, DedupKey: foreign.Key(entity),
		Title:      foreign.Title(foreign.First(name, o.Text("state_message"), entity)),
		Source:     foreign.Title(foreign.First(o.Text("host_name", "hostname", "host", "source"), o.Text("monitoring_tool"), entity)),
		OccurredAt: o.Time("state_start_time", "timestamp", "alert_time"),
		Links:      foreign.Links(alert.Link{Href: o.Text("alert_url", "url", "link")}),
		Client:     foreign.Title(o.Text("monitoring_tool")),
		Labels:     foreign.Labels(map[string]string{"service": o.Text("service", "service_desc"), "monitoring_tool": o.Text("monitoring_tool")}),
	}
	details := map[string]any{"state_message": o.Text("state_message"), "ack_author": o.Text("ack_author"), "ack_message": o.Text("ack_msg")}
	annotations(o, &a, details)
	a.Details = foreign.Details(details)
	m, ok := kinds[said]
	if !ok {
		m = meaning{alert.Trigger, alert.Error}
		a.Warnings = append(a.Warnings, "nobody here knows the message_type "+foreign.Title(o.Text("message_type"))+": taken as trouble")
	}
	a.Action, a.Severity = m.action, m.severity
	return []alert.Alert{a}, nil
}

// annotations are links (u), images (i) and notes (s): "vo_annotate.u.Runbook".
func annotations(o foreign.Object, a *alert.Alert, details map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		rest, ok := strings.CutPrefix(name, "vo_annotate.")
		if !ok {
			continue
		}
		kind, title, _ := strings.Cut(rest, ".")
		value, _ := o[name].(string)
		switch kind {
		case "u":
			a.Links = foreign.Links(append(a.Links, alert.Link{Href: value, Text: title})...)
		case "i":
			if href := foreign.Web(value); strings.HasPrefix(href, "https:") {
				a.Images = append(a.Images, alert.Image{Source: href, Alt: foreign.Title(title)})
			}
		case "s":
			details[title] = value
		}
	}
}

// search of Splunk that found something. It never says that it finds nothing any more.
func search(o foreign.Object) []alert.Alert {
	name := foreign.First(o.Text("search_name"), "search "+o.Text("sid"))
	severity, warnings := foreign.Severity(o.Text("result.severity", "severity", "result.urgency"), alert.Error, nil)
	return []alert.Alert{{
		Action: alert.Trigger, Status: "triggered", Severity: severity, Warnings: warnings,
		Title: foreign.Title(name), Source: foreign.Title(foreign.First(o.Text("result.host", "result.splunk_server"), o.Text("app"))),
		DedupKey: foreign.Key("splunk", o.Text("app"), name), OccurredAt: o.Time("result._time", "result._indextime", "trigger_time"),
		Links:   foreign.Links(alert.Link{Href: o.Text("results_link"), Text: "Results"}),
		Details: foreign.Details(map[string]any{"raw": o.Text("result._raw"), "owner": o.Text("owner"), "sid": o.Text("sid")}),
		Client:  "Splunk", Labels: foreign.Labels(map[string]string{"app": o.Text("app"), "index": o.Text("result.index"), "sourcetype": o.Text("result.sourcetype")}),
	}}
}

// Answer as Splunk On-Call does: 200 with the entity, or a failure with a message.
func Answer(dedup []string, err error) alert.Answer {
	words := map[string]string{"result": "success"}
	status := http.StatusOK
	if len(dedup) > 0 {
		words["entity_id"] = dedup[0]
	}
	if err != nil {
		status = statusOf(err)
		words = map[string]string{"result": "failure", "message": http.StatusText(status)}
		if status == http.StatusBadRequest {
			words["message"] = err.Error()
		}
	}
	body, _ := json.Marshal(words) // strings can always be written
	return alert.Answer{Status: status, Type: "application/json", Body: body}
}

func statusOf(err error) int {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict:
		return http.StatusBadRequest
	case fault.NotFound, fault.Unauthenticated, fault.Denied:
		return http.StatusForbidden
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Throttled:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
	}
	return http.StatusInternalServerError
}
