// Package pingdom reads what Pingdom's webhooks post when a check changes its state, in whichever version. Source:
// pingdom.com/resources/webhooks.
package pingdom

import (
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Pingdom.
func Dialect() alert.Dialect { return alert.Dialect{Name: "pingdom", Decode: Decode} }

// states of a check, and of a transaction. What is not confirmed is not said yet.
var states = map[string]alert.Action{
	"down": alert.Trigger, "failing": alert.Trigger, "up": alert.Resolve, "success": alert.Resolve, "successful": alert.Resolve,
	"unconfirmed_down": alert.Ignore, "unconfirmed": alert.Ignore, "unknown": alert.Ignore, "paused": alert.Ignore,
}

var importance = map[string]alert.Severity{"high": alert.Critical, "low": alert.Warning}

// Decode reads one change.
func Decode(p alert.Post) ([]alert.Alert, error) {
	o, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	if inner := o.Inner("message"); len(inner) > 0 && !o.Has("check_id") { // the first webhooks put JSON into a parameter
		o = inner
	}
	name, number := o.Text("check_name", "checkname", "name"), o.Text("check_id", "check", "checkid")
	if name == "" && number == "" {
		return nil, fault.Field("check_id", "is missing, and so is check_name")
	}
	if name == "" {
		name = "check " + number
	}
	status := o.Text("current_state", "state", "description", "action")
	what := o.Text("description")
	a := alert.Alert{
		Status:     status,
		Title:      foreign.Title(strings.TrimSuffix(name+" is "+strings.ToUpper(status)+": "+what, ": ")),
		Source:     foreign.Title(foreign.First(o.Text("check_params.hostname", "host", "hostname"), name)),
		DedupKey:   foreign.Key("pingdom", foreign.First(number, name)),
		OccurredAt: o.Time("state_changed_timestamp", "state_changed_utc_time"),
		Links:      foreign.Links(alert.Link{Href: o.Text("check_params.full_url", "full_url", "check_params.url"), Text: name}),
		Labels: foreign.Labels(map[string]string{
			"check": name, "type": o.Text("check_type"), "tags": strings.Join(o.Texts("tags"), " "),
		}),
		Details: foreign.Details(map[string]any{
			"description": o.Text("long_description", "description"), "message": o.Text("custom_message"),
			"first_probe": o.Text("first_probe.location"), "second_probe": o.Text("second_probe.location"),
		}),
	}
	a.Action, a.Warnings = foreign.Action(status, states)
	var unknown []string
	a.Severity, unknown = foreign.Severity(o.Text("importance_level"), alert.Critical, importance)
	a.Warnings = append(a.Warnings, unknown...)
	if a.Action == alert.Resolve {
		a.Severity = alert.Info
	}
	return []alert.Alert{a}, nil
}
