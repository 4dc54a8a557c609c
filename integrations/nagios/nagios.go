// Package nagios reads the notifications of Nagios and of what came of it: Icinga, Naemon, Checkmk. They reach us as
// `belay notify` posts them, or as whatever a notification command of somebody's own makes of the macros, as JSON or a form.
// Source: Nagios Core and Icinga 2 documentation, "Standard macros" and "Notification commands".
package nagios

import (
	"maps"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Nagios and its descendants.
func Dialect() alert.Dialect { return alert.Dialect{Name: "nagios", Decode: Decode} }

// notifications by their type. What is about downtimes and flapping asks for nothing.
var notifications = map[string]alert.Action{
	"problem": alert.Trigger, "trigger": alert.Trigger,
	"recovery": alert.Resolve, "resolve": alert.Resolve,
	"acknowledgement": alert.Acknowledge, "acknowledge": alert.Acknowledge,
	"flappingstart": alert.Ignore, "flappingstop": alert.Ignore, "flappingend": alert.Ignore, "flappingdisabled": alert.Ignore,
	"downtimestart": alert.Ignore, "downtimeend": alert.Ignore, "downtimecancelled": alert.Ignore, "downtimeremoved": alert.Ignore,
}

var serviceStates = map[string]string{"0": "OK", "1": "WARNING", "2": "CRITICAL", "3": "UNKNOWN", "0.0": "OK", "1.0": "WARNING", "2.0": "CRITICAL", "3.0": "UNKNOWN"}
var hostStates = map[string]string{"0": "UP", "1": "DOWN", "2": "UNREACHABLE", "0.0": "UP", "1.0": "DOWN", "2.0": "UNREACHABLE"}

var severities = map[string]alert.Severity{
	"critical": alert.Critical, "down": alert.Critical, "unreachable": alert.Error, "unknown": alert.Error, "pending": alert.Error,
	"warning": alert.Warning, "ok": alert.Info, "up": alert.Info,
}

// Decode reads one notification. Whoever sends no type is understood by the state.
func Decode(p alert.Post) ([]alert.Alert, error) {
	body, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	o := plain(body)
	host := o.Text("host_name", "host", "host.name", "hostname", "host_alias", "host_display_name")
	service := o.Text("service_desc", "service_description", "service", "service.name", "service_name", "service_display_name")
	if host == "" {
		return nil, fault.Field("host_name", "is missing: say $HOSTNAME$, or host.name")
	}
	state := state(o, service != "")
	kind := o.Text("notification_type", "notification.type", "event_type")
	a := alert.Alert{
		Source: foreign.Title(host), Status: state,
		DedupKey:   foreign.Key("nagios", host, service),
		OccurredAt: o.Time("timet", "time", "timestamp", "check_result.execution_end", "short_date_time", "long_date_time", "icinga_timet"),
		Links:      foreign.Links(alert.Link{Href: o.Text("link", "url", "action_url", "service_action_url", "host_action_url"), Text: "monitor"}, alert.Link{Href: o.Text("notes_url", "service_notes_url", "host_notes_url"), Text: "notes"}),
		Labels:     foreign.Labels(map[string]string{"host": host, "service": service, "group": o.Text("service_group_name", "host_group_name", "site")}),
		Details: foreign.Details(map[string]any{
			"output": output(o), "long_output": o.Text("long_service_output", "long_host_output", "long_output"),
			"address": o.Text("host_address", "address"), "duration": o.Text("service_duration", "host_duration"),
			"author": o.Text("notification_author", "ack_author", "author"), "comment": o.Text("notification_comment", "ack_comment", "comment"),
		}),
	}
	a.Action, a.Warnings = asked(kind, state)
	var unknown []string
	a.Severity, unknown = foreign.Severity(state, alert.Error, severities)
	a.Warnings = append(a.Warnings, unknown...)
	a.Title = title(host, service, state, output(o))
	return []alert.Alert{a}, nil
}

// plain takes names as they are without what the environment puts before them, and what is inside of details beside them.
func plain(body foreign.Object) foreign.Object {
	o := foreign.Object{}
	for _, level := range []foreign.Object{body, body.Inner("details"), body.Inner("macros"), body.Inner("vars")} {
		for _, name := range slices.Sorted(maps.Keys(level)) {
			short := strings.ToLower(name)
			for _, prefix := range []string{"nagios_", "icinga_", "notify_", "naemon_", "_"} {
				short = strings.TrimPrefix(short, prefix)
			}
			if _, taken := o[short]; !taken && !strings.HasPrefix(textOf(level, name), "$") {
				o[short] = level[name]
			}
		}
	}
	return o
}

// textOf is "" for what is no text; macros that nobody resolved begin with a dollar.
func textOf(o foreign.Object, name string) string {
	s, _ := o[name].(string)
	return strings.TrimSpace(s)
}

func state(o foreign.Object, ofService bool) string {
	names, numbers := []string{"host_state", "host.state"}, hostStates
	if ofService {
		names, numbers = []string{"service_state", "service.state"}, serviceStates
	}
	said := o.Text(append(names, "state", "status", "check_result.state", "service_state", "host_state")...)
	if name, ok := numbers[said]; ok {
		return name
	}
	return said
}

func output(o foreign.Object) string {
	return o.Text("service_output", "host_output", "output", "service.output", "host.output", "check_result.output", "summary")
}

func asked(kind, state string) (alert.Action, []string) {
	if action, ok := notifications[strings.ToLower(strings.TrimSpace(kind))]; ok {
		return action, nil
	}
	if strings.HasPrefix(strings.ToLower(kind), "acknowledge") {
		return alert.Acknowledge, nil
	}
	return foreign.Action(state, nil)
}

func title(host, service, state, output string) string {
	what := host
	if service != "" {
		what += "/" + service
	}
	if state != "" {
		what += " is " + strings.ToUpper(state)
	}
	if output != "" {
		what += ": " + output
	}
	return foreign.Title(what)
}
