// Package servicenow reads what ServiceNow tells of its records, for those whose tickets page.
package servicenow

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of ServiceNow, for instances whose business rules, flows or event rules post records: an incident as the Table API
// shows it, alone or inside of result, record, incident or current; an event or alert of Event Management. Values may be
// plain or objects with value and display_value. Source: ServiceNow documentation, "Incident management state model",
// "Table API", "Event field format".
func Dialect() alert.Dialect { return alert.Dialect{Name: "servicenow", Decode: Decode} }

// states of an incident, by number and by name.
var states = map[string]alert.Action{
	"1": alert.Trigger, "2": alert.Trigger, "3": alert.Trigger, "4": alert.Trigger, "5": alert.Trigger, "in progress": alert.Trigger, "on hold": alert.Trigger,
	"pending": alert.Trigger, "work in progress": alert.Trigger, "awaiting user info": alert.Trigger,
	"6": alert.Resolve, "7": alert.Resolve, "8": alert.Resolve, "closed complete": alert.Resolve, "closed incomplete": alert.Resolve,
	"closed skipped": alert.Resolve,
}

var names = map[string]string{"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"}

// levels of priority, urgency, severity and impact.
var levels = map[string]alert.Severity{
	"1": alert.Critical, "2": alert.Error, "3": alert.Warning, "4": alert.Info, "5": alert.Info, "0": alert.Info, "clear": alert.Info,
	"major": alert.Error, "minor": alert.Warning,
}

// Decode reads one record, or each of a list.
func Decode(p alert.Post) ([]alert.Alert, error) {
	bodies, err := foreign.ReadAll(p)
	if err != nil {
		return nil, err
	}
	if len(bodies) == 1 {
		if list := bodies[0].List("result", "records"); len(list) > 0 {
			bodies = list
		}
	}
	var all []alert.Alert
	for i, body := range bodies {
		a, err := record(body)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
		all = append(all, a)
	}
	return all, nil
}

func record(body foreign.Object) (alert.Alert, error) {
	o := body
	if inner := body.Inner("incident", "record", "current", "result", "data", "ticket", "problem", "task"); len(inner) > 1 && !body.Has("short_description") {
		o = inner
	}
	if o.Has("message_key") || o.Has("node") && o.Has("severity") {
		return event(o)
	}
	number, sys := said(o, "number"), value(o, "sys_id", "id")
	title := said(o, "short_description", "title", "summary", "description")
	if number == "" && sys == "" {
		return alert.Alert{}, fault.Field("number", "is missing, and so is sys_id: which record?")
	}
	state := value(o, "incident_state", "state", "status")
	a := alert.Alert{
		Status: foreign.First(names[state], said(o, "incident_state", "state", "status")), Client: "ServiceNow",
		Title:      foreign.Title(strings.TrimSuffix(strings.TrimPrefix(number+": "+title, ": "), ": ")),
		Source:     foreign.Title(foreign.First(said(o, "cmdb_ci", "business_service", "u_service", "source"), said(o, "assignment_group", "category"), "ServiceNow")),
		DedupKey:   foreign.Key("servicenow", foreign.First(sys, number)),
		OccurredAt: foreign.Time(said(o, "sys_updated_on", "updated_at", "opened_at", "sys_created_on", "timestamp")),
		Links:      foreign.Links(alert.Link{Href: foreign.First(body.Text("url", "link", "uri"), o.Text("url", "link", "uri"), page(body, o, sys)), Text: foreign.First(number, "ServiceNow")}),
		Labels: foreign.Labels(map[string]string{
			"priority": said(o, "priority"), "category": said(o, "category"), "assignment_group": said(o, "assignment_group"), "ci": said(o, "cmdb_ci"),
		}),
		Details: foreign.Details(map[string]any{
			"description": said(o, "description"), "number": number, "close_code": said(o, "close_code"), "close_notes": said(o, "close_notes"),
		}),
	}
	a.Action, a.Warnings = foreign.Action(foreign.First(state, said(o, "incident_state", "state", "status")), states)
	if active := value(o, "active"); active == "false" && state == "" {
		a.Action, a.Warnings = alert.Resolve, nil
	}
	doing := strings.ToLower(body.Text("operation", "event", "action", "event_type"))
	switch {
	case strings.Contains(doing, "delete"):
		a.Action = alert.Resolve
	case a.Action == alert.Trigger && strings.Contains(doing, "comment"), a.Action == alert.Trigger && strings.Contains(doing, "update") && (state == "2" || state == "3" || strings.EqualFold(state, "in progress") || strings.EqualFold(state, "on hold")):
		a.Action = alert.Ignore // somebody works on it there
	}
	var unknown []string
	a.Severity, unknown = foreign.Severity(value(o, "priority", "urgency", "severity", "impact"), alert.Error, levels)
	a.Warnings = append(a.Warnings, unknown...)
	return a, nil
}

// event of Event Management: severity 0 is the end of what was said before with the same message key.
func event(o foreign.Object) (alert.Alert, error) {
	node, what := o.Text("node", "source"), o.Text("description", "short_description", "type", "metric_name")
	if what == "" {
		return alert.Alert{}, fault.Field("description", "is missing")
	}
	severity := value(o, "severity")
	a := alert.Alert{
		Title: foreign.Title(what), Source: foreign.Title(node), Status: foreign.First(said(o, "state", "resolution_state"), "severity "+severity), Action: alert.Trigger,
		DedupKey:   foreign.Key("servicenow", foreign.First(o.Text("message_key"), strings.Join([]string{o.Text("source"), node, o.Text("type"), o.Text("resource"), o.Text("metric_name")}, "_"))),
		OccurredAt: o.Time("time_of_event", "last_event_time", "sys_updated_on"), Client: "ServiceNow",
		Labels:  foreign.Labels(map[string]string{"node": node, "resource": o.Text("resource"), "type": o.Text("type"), "source": o.Text("source")}),
		Details: foreign.Details(map[string]any{"additional_info": o.At("additional_info"), "metric": o.Text("metric_name")}),
	}
	closing := strings.ToLower(o.Text("resolution_state") + " " + said(o, "state"))
	if severity == "0" || strings.EqualFold(severity, "clear") || strings.Contains(closing, "closing") || strings.Contains(closing, "closed") {
		a.Action = alert.Resolve
	}
	a.Severity, a.Warnings = foreign.Severity(severity, alert.Error, levels)
	return a, nil
}

// said is what people see of the first of the fields that has something; a reference without its name is none.
func said(o foreign.Object, fields ...string) string {
	for _, name := range fields {
		if s := o.Text(name, name+".display_value", name+".name"); s != "" {
			return s
		}
	}
	return ""
}

// value is what programs see of it.
func value(o foreign.Object, fields ...string) string {
	for _, name := range fields {
		if s := o.Text(name, name+".value", name+".display_value"); s != "" {
			return s
		}
	}
	return ""
}

// page of a record, where the body says which instance it comes from.
func page(body, o foreign.Object, sys string) string {
	instance := strings.TrimSuffix(body.Text("instance", "instance_url"), "/")
	if instance == "" || sys == "" {
		return ""
	}
	if !strings.Contains(instance, "://") {
		instance = "https://" + instance
	}
	table := foreign.First(said(o, "sys_class_name", "table"), body.Text("table", "table_name"), "incident")
	return instance + "/nav_to.do?uri=" + url.QueryEscape(strings.ToLower(table)+".do?sys_id="+sys)
}
